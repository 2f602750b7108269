"""What a fix is: settings, a title, and a recording made from a recording."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from nri_core.recording import Recording


class Fix(BaseModel):
    """A step of the preparation, chosen by the user: never changes what it is given, and is kept in the metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    title: ClassVar[str]
    kind: str

    def apply(self, recording: Recording) -> Recording:
        """The mended recording. Raises DataError where nothing useful would be left."""
        raise NotImplementedError
