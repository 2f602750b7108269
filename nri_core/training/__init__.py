"""Training as a generator: `fit` knows no files and no screen, so tests, benchmarks, command line and jobs all drive it."""

from nri_core.settings import PRESETS, TrainConfig
from nri_core.training.fitting import check, first_look, fit
from nri_core.training.parallel import Ranks
from nri_core.training.record import EpochRecord
from nri_core.training.state import TrainingState

__all__ = ["PRESETS", "EpochRecord", "Ranks", "TrainConfig", "TrainingState", "check", "first_look", "fit"]
