"""Every error that edge_dce raises on purpose.

    EdgeDceError
    ├── RuntimeMissingError   no TFLite runtime can be imported (also an ImportError)
    ├── ModelError            a model file cannot be used, or the runtime failed on it
    │   └── CardError         the card inside a model file is damaged or does not describe it
    ├── ImageError            a picture cannot be read or enhanced
    ├── LookError             a setting of a look is out of its range (also a ValueError)
    ├── VideoError            a video cannot be read, or not be held by the container asked for
    ├── OutputError           a file already exists, or cannot be written where it should go
    ├── ReportError           a benchmark's report cannot be read or compared
    └── CameraError           a camera cannot be opened or stopped delivering frames

ModelWarning, a UserWarning, says that a model file runs but that its pictures will hardly be what its user expects.

A message says what was expected, what was found and what to do, on one line.
"""


class EdgeDceError(Exception):
    """Base of all errors below; catching it catches every one that edge_dce raises on purpose."""


class RuntimeMissingError(EdgeDceError, ImportError):
    """No TFLite runtime is installed, or the installed one does not fit the installed numpy."""


class ModelError(EdgeDceError):
    """The model file is missing, damaged or of an unknown kind, or running it failed."""


class CardError(ModelError):
    """The card inside a model file is unreadable or contradicts the file."""


class ImageError(EdgeDceError):
    """A picture or folder of pictures cannot be read or enhanced, or not be held by the format asked for."""


class LookError(EdgeDceError, ValueError):
    """A setting of a look is out of its range."""


class VideoError(EdgeDceError):
    """A video cannot be read, its container cannot hold what it carries, or PyAV is missing."""


class OutputError(EdgeDceError):
    """A file already exists and may not be replaced, or cannot be written where it should go."""


class ReportError(EdgeDceError):
    """A benchmark's report is missing, unreadable, or of other models than those it is to be compared with."""


class CameraError(EdgeDceError):
    """A camera or other frame source cannot be opened or stopped delivering frames."""


class ModelWarning(UserWarning):
    """A model file runs, but it behaves as if it were made for other input."""


def describe_unreadable(error: OSError) -> str:
    """Why something cannot be read, and what to do: what follows its name in a message."""
    is_forbidden = isinstance(error, PermissionError)
    advice = "change its permissions or those of its folders, or ask their owner" if is_forbidden else "check the path"
    return f"cannot be read ({error.strerror}); {advice}"
