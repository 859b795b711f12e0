"""The error of the converters."""

from __future__ import annotations

from edge_dce.errors import EdgeDceError


class ConversionError(EdgeDceError):
    """A network cannot be converted, or what came out is not what was asked for."""
