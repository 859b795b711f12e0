"""One case: files in a folder and the command that is given to them."""

from __future__ import annotations

import dataclasses

# Whatever is in a file of some kilobytes: the runtime, the libraries and buffers for a picture.
LIMIT_BYTES = 1500 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Case:
    """
    Attributes:
        files: by name.
        argv: of `edge-dce`, run in their folder.
        output: the file that is there afterwards if the command says that it did its work, and not if it does not.
        is_secret: whether any output at all would be a fault.
        limit_bytes: peak memory of the process.
    """

    files: dict[str, bytes]
    argv: list[str]
    output: str | None
    is_secret: bool = False
    limit_bytes: int = LIMIT_BYTES
