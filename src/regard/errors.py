"""Every error Regard raises on purpose.

RegardError
├── ConfigError        a setting is unknown, misspelt or out of range
├── ShapeError         arrays do not fit together, or hold non-finite numbers
├── DataError          a caption file, feature file or vocabulary is malformed
├── PhotoError         one photo cannot be read (batches skip it, name it and count it)
│   └── AbsentError    its file cannot be reached now, and may be later
├── CheckpointError    weights cannot be read, or do not fit the model they are for
├── StoreError         a region store or index cannot be opened, written or mended
│   └── BusyError      another process is writing to it
└── ClusterError       a Ray cluster cannot be reached, or cannot do its part

A message reads "<what> is <value>; <what it must be>. <what to do next>."
"""


class RegardError(Exception):
    """Base of everything Regard raises on purpose; the command line prints it plainly."""


class ConfigError(RegardError, ValueError):
    """A setting is unknown, misspelt or out of range."""


class ShapeError(RegardError, ValueError):
    """Arrays do not fit together, or hold numbers that are not finite."""


class DataError(RegardError, ValueError):
    """A caption file, feature file or vocabulary is malformed."""


class PhotoError(RegardError, OSError):
    """One photo cannot be read."""


class AbsentError(PhotoError):
    """A photo's file is not there, or the system cannot read it now."""


class CheckpointError(RegardError, ValueError):
    """Weights cannot be read, or do not fit the model they are for."""


class StoreError(RegardError, OSError):
    """A region store or index cannot be opened, written or mended."""


class BusyError(StoreError):
    """Another process is writing to the store."""


class ClusterError(RegardError, RuntimeError):
    """A Ray cluster cannot be reached, or cannot do its part."""
