"""Inside a model: every stage from motion to the next state, with the numbers of one edge, recorded in real passes.

A new encoder or decoder appears here by itself, in general terms; a tuple of `Step`s in ENCODER_STEPS or DECODER_STEPS lets it tell
its own story: which of its submodules and methods to listen to, the equation, and the numbers in it.
"""

from nri_core.stages.contract import Numbers, Stage, Step
from nri_core.stages.decoders import DECODER_STEPS
from nri_core.stages.encoders import ENCODER_STEPS
from nri_core.stages.reading import Reading, read
from nri_core.stages.walk import PASSED, known_relabelling, stages

__all__ = ["DECODER_STEPS", "ENCODER_STEPS", "PASSED", "Numbers", "Reading", "Stage", "Step", "known_relabelling", "read", "stages"]
