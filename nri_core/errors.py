"""The errors a user can cause: each message says what was expected, what was found, and what to do."""


class NRIError(Exception):
    """Base of every error that is the input's fault; its text is shown to the user as it is."""


class DataError(NRIError):
    """Trajectories or a file of them are not usable."""


class CheckpointError(NRIError):
    """A trained model cannot be read, or does not fit the data."""


class ConfigError(NRIError):
    """A setting is out of its range, or two settings contradict each other."""


class JobError(NRIError):
    """A training run is missing, unreadable or refuses what was asked of it."""
