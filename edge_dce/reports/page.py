"""HTML files for people: each is one file, with no scripts and nothing fetched, light and dark.

Only the workshop writes such files, so only its extras bring Jinja2.
"""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from edge_dce.errors import EdgeDceError
from edge_dce.pixels.shrinking import shrink

if TYPE_CHECKING:
    from jinja2 import Environment

Uint8Array = npt.NDArray[np.uint8]


class PageError(EdgeDceError):
    """HTML cannot be made here."""


def render_page(package: str, template: str, **values: object) -> bytes:
    """A whole HTML document, UTF-8, of a template that extends frame.html; macros.html has what templates share.

    Args:
        package: that the template lies in, as an import name.
        template: its file name.
        values: what it shows, by the names that it uses; they are escaped.

    Raises:
        PageError: Jinja2 is not installed.
    """
    return _find_templates(package).get_template(template).render(values).encode()


def make_data_uri(image: Uint8Array, width_px: int | None = None, quality: int = 95) -> str:
    """An (H, W, 3) uint8 RGB picture as the URI of a JPEG, at most `width_px` wide (None: as it is).

    Args:
        quality: of the JPEG, up to 100.
    """
    height, width = image.shape[:2]
    if width_px is not None and width > width_px:
        image = shrink(image, width_px, max(1, round(height * width_px / width)))
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


@functools.cache
def _find_templates(package: str) -> Environment:
    try:
        import jinja2
    except ImportError as error:
        raise PageError(f"HTML pages need Jinja2 ({error}); run: pip install 'edge-dce[train]'") from None
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(each, "") for each in (package, __package__)]),
        autoescape=True,
        # A misspelled name is an error, not a gap in the page.
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
