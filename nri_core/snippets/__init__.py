"""What is on screen as Python and as commands, to be run in the project's folder: the same numbers without the app.

A screen is a small frozen model that says what is shown, by names and numbers alone; `python()` and `command()` write it down. Nothing here loads torch.
"""

from nri_core.snippets.finished import Ran, Reproduced
from nri_core.snippets.measured import Measured
from nri_core.snippets.screens import Changed, Imported, Inside, Made, Read, SideBySide, Trained
from nri_core.snippets.sources import Data, Example, File, HeldOut, Method, Model, Simulated
from nri_core.snippets.text import Screen, project_path

__all__ = ["Changed", "Data", "Example", "File", "HeldOut", "Imported", "Inside", "Made", "Measured", "Method", "Model", "Ran", "Read", "Reproduced", "Screen", "SideBySide", "Simulated", "Trained", "project_path"]
