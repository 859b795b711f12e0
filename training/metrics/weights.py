"""Files that metrics need and that others publish: none is part of this project, and none is fetched."""

from __future__ import annotations

from pathlib import Path

from edge_dce.errors import EdgeDceError

from ..cache import find_cache_folder


class WeightsError(EdgeDceError):
    """A file that a metric needs is missing, or is another one."""


def find_weights(metric: str, url: str) -> Path:
    """Where a published file lies on this machine.

    Raises:
        WeightsError: it is not there; the message says which file to place where.
    """
    path = find_cache_folder() / "weights" / url.rpartition("/")[2]
    if not path.is_file():
        raise WeightsError(
            f"metric '{metric}' needs a file that is no part of this project; place {url} at {path}, "
            f"or leave {metric} out"
        )
    return path
