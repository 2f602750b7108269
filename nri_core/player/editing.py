"""What a player is told that lets whoever looks change what is shown."""

from dataclasses import dataclass

from nri_core.errors import DataError

EDITABLE = ("start", "velocity", "truth", "inferred")
ARROW_FRAMES = 8  # an arrow ends where its particle would be after so many frames if nothing acted on it


@dataclass(frozen=True, kw_only=True)
class Editing:
    """`allowed`: a subset of `EDITABLE`. A new scene of the same `subject` keeps the player where it is, whatever moves.

    Each change is told with a number, and drawn as it was until a scene arrives that has `answered` that number.
    `velocities`: (x, y) of each node in the first frame, times the frames of an arrow; empty where there are none. `truth_both_ways`
    and `inferred_both_ways`: a pair changes with its other direction. `truth_changed` and `inferred_changed`: (receiver, sender) of
    the pairs to mark. `inferred_types`: the types that an inferred edge goes through; empty for all. Raises DataError for something else to be edited.
    """

    subject: str
    allowed: tuple[str, ...] = ()
    answered: int = 0
    velocities: tuple[tuple[float, float], ...] = ()
    truth_both_ways: bool = True
    inferred_both_ways: bool = True
    truth_changed: tuple[tuple[int, int], ...] = ()
    inferred_changed: tuple[tuple[int, int], ...] = ()
    inferred_types: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.allowed if name not in EDITABLE]
        if unknown:
            raise DataError(f"Expected things to edit among {', '.join(EDITABLE)}; found {', '.join(unknown)}.")
