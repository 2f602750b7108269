"""From a recording as it came to trajectories that can be learned from: what is wrong with it, and what mends it.

`diagnose` says what is wrong, each `Fix` makes a new recording, `Plan` keeps all that was decided, `to_trajectories` cuts windows.
"""

from nri_core.preparation.contract import Fix
from nri_core.preparation.cutting import to_trajectories
from nri_core.preparation.findings import Finding, diagnose
from nri_core.preparation.plan import FIXES, Plan, prepare, read_plan, suggest

__all__ = ["FIXES", "Finding", "Fix", "Plan", "diagnose", "prepare", "read_plan", "suggest", "to_trajectories"]
