"""The HTML that all pages of the workshop are made of."""

import base64
import re
import sys

import cv2
import jinja2
import numpy as np
import pytest

from edge_dce.reports import page
from edge_dce.reports.page import PageError, make_data_uri, render_page
from edge_dce.reports.table import Table


def render(table: Table, *notes: str) -> str:
    """The page of `compare`: warnings and a table."""
    return render_page("training", "run_table.html", table=table, notes=notes).decode()


def test_values_are_escaped() -> None:
    found = render(Table(("", "<b>"), [("a&b", '"')]), "<script>")
    assert not re.search(r"<b>|<script", found)
    for expected in ("<th>&lt;b&gt;</th>", "<td>a&amp;b</td><td>&#34;</td>", '<p class="warning">&lt;script&gt;</p>'):
        assert expected in found


def test_row_of_one_cell_is_a_heading_over_all_columns() -> None:
    found = render(Table(("", "one", "two"), [("part",), ("PSNR", "1", "2")]))
    assert '<tr class="heading"><th colspan="3">part</th></tr>' in found
    assert "<tr><td>PSNR</td><td>1</td><td>2</td></tr>" in found


def test_template_without_its_values_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render_page("training", "run_table.html", table=Table((), []))


def test_without_jinja2_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    page._find_templates.cache_clear()
    with pytest.raises(PageError, match=r"pip install 'edge-dce\[train\]'"):
        render(Table(("a",), []))


@pytest.mark.parametrize(("width_px", "shape"), [(None, (30, 60)), (60, (30, 60)), (20, (10, 20)), (1, (1, 1))])
def test_picture_in_a_page_is_no_wider_than_asked(width_px: int | None, shape: tuple[int, int]) -> None:
    orange = np.full((30, 60, 3), (240, 140, 40), np.uint8)
    kind, _, content = make_data_uri(orange, width_px).partition(",")
    assert kind == "data:image/jpeg;base64"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape[:2] == shape
    # One color costs JPEG the rounding of its conversion to YCbCr and back: a level or two.
    np.testing.assert_allclose(decoded[0, 0, ::-1].astype(int), orange[0, 0].astype(int), atol=3)
