"""The page for photos in a real browser, as a person uses it."""

import base64
import json
import time
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edge_dce
from edge_dce.files.formats.registry import HEIC, RAW
from edge_dce.files.pictures import Picture, decode_picture, encode_picture
from tests.apps.photos.running_server import RunningServer, make_image, make_picture, run_server
from tests.apps.pi.browser import MISSING, Browser, open_browser

pytestmark = [
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
    # The slowest of all tests, and nothing that a browser sees depends on the runtime.
    pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the page is tested beside the other runtime"),
]

TOKEN = "correct-horse-battery"
IS_OPEN = "return document.getElementById('model')?.length"
DROP = """
    const given = new DataTransfer();
    for (const [name, text] of %s)
        given.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
"""
# The photo that was chosen last is shown, and nothing is under way.
IS_SHOWN = """
    const [view, busy, after] = ["view", "busy", "after"].map((id) => document.getElementById(id));
    return !view.hidden && busy.hidden && after.complete && after.naturalWidth > 0;
"""
NOTICE = "return document.getElementById('notice').textContent"
# Mean of the pictures under the line's left and right side, of 255.
BRIGHTNESS = """
    return ["before", "after"].map((id) => {
        const image = document.getElementById(id), canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const samples = context.getImageData(0, 0, canvas.width, canvas.height).data;
        return samples.reduce((sum, sample) => sum + sample, 0) / samples.length * 4 / 3 - 85;
    });
"""
SET = """
    const control = document.getElementById("%s");
    control.value = "%s";
    control.dispatchEvent(new Event("input", { bubbles: true }));
"""
CLICK = "document.getElementById('%s').click()"
OVERFLOW = """
    const page = document.documentElement;
    return Math.max(page.scrollWidth - innerWidth, page.scrollHeight - innerHeight);
"""
SMALLEST_CONTROL = """
    const places = "#controls input, #controls select, #controls button, #remove, #strip > *";
    const boxes = [...document.querySelectorAll(places)].map((control) => control.getBoundingClientRect());
    return Math.min(...boxes.flatMap((box) => [box.width, box.height]));
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with run_server() as running:
        yield running


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with open_browser(1280, 800) as browser:
        yield browser


@pytest.fixture
def page(window: Browser, server: RunningServer) -> Browser:
    """Opened anew."""
    window.open(server.url)
    window.wait_for(IS_OPEN)
    return window


def drop(page: Browser, **files: bytes) -> None:
    """Files by name, of which the last underscore stands for a dot."""
    given = [(".".join(name.rsplit("_", 1)), base64.b64encode(data).decode("ascii")) for name, data in files.items()]
    page.evaluate(DROP % json.dumps(given))


def download(page: Browser, button: str, name: str, folder: Path) -> bytes:
    """The file of this name that a click saves."""
    page.keep_downloads(folder)
    page.evaluate(CLICK % button)
    path = folder / name
    deadline_s = time.monotonic() + 30
    while not path.is_file():
        assert time.monotonic() < deadline_s, list(folder.iterdir())
        time.sleep(0.05)
    return path.read_bytes()


def test_dropped_photo_is_shown_before_and_after(page: Browser) -> None:
    drop(page, night_jpg=make_picture(".jpg"))
    page.wait_for(IS_SHOWN)
    before, after = page.evaluate(BRIGHTNESS)
    assert after > 2 * before


def test_sliders_change_the_picture(page: Browser) -> None:
    drop(page, night_jpg=make_picture(".jpg"))
    page.wait_for(IS_SHOWN)
    before, usual = page.evaluate(BRIGHTNESS)
    page.evaluate(SET % ("strength", 0.5))
    half = page.wait_for(BRIGHTNESS, lambda sides: sides[1] < usual - 5)[1]
    assert half > before + 5
    page.evaluate(SET % ("strength", 1))
    page.wait_for(BRIGHTNESS, lambda sides: abs(sides[1] - usual) < 1)
    page.evaluate(SET % ("model", "zero-dce-scene-256x256-int8"))
    page.wait_for(BRIGHTNESS, lambda sides: abs(sides[1] - usual) > 5)


def test_line_follows_the_pointer_and_the_keys(page: Browser) -> None:
    drop(page, night_jpg=make_picture(".jpg"))
    page.wait_for(IS_SHOWN)
    x, y, width = page.evaluate(
        "const box = document.getElementById('view').getBoundingClientRect();"
        "return [box.left, box.top + box.height / 2, box.width];"
    )
    page.drag((round(x + width / 2), round(y)), (round(x + width / 4), round(y)))
    shown = "return document.getElementById('line').getAttribute('aria-valuenow')"
    page.wait_for(shown, lambda value: abs(int(value) - 25) <= 1)
    page.evaluate(
        "document.getElementById('line').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }))"
    )
    assert page.evaluate(shown) == "100"
    assert page.evaluate("return document.getElementById('before').style.clipPath") == "inset(0px 0% 0px 0px)"


def test_download_is_made_of_the_file_itself(page: Browser, tmp_path: Path) -> None:
    # Larger than what is shown.
    image = np.ascontiguousarray(np.tile(make_image(), (1, 12, 1)))
    data = encode_picture(Picture(image), ".png")
    drop(page, large_night_png=data)
    page.wait_for(IS_SHOWN)
    assert page.evaluate("return document.getElementById('after').naturalWidth") == 1600
    page.evaluate(SET % ("strength", 0.8))
    saved = download(page, "download", "large_night-enhanced.png", tmp_path)
    assert saved == edge_dce.enhance(data, edge_dce.Look(strength=0.8))


def test_all_come_in_one_archive(page: Browser, tmp_path: Path) -> None:
    data = make_picture(".jpg")
    drop(page, one_jpg=data, broken_jpg=b"nothing")
    drop(page, one_png=make_picture(".png"), one_jpg=data)
    page.wait_for(IS_SHOWN)
    page.evaluate(SET % ("format", "png"))
    saved = download(page, "download-all", "enhanced.zip", tmp_path)
    with zipfile.ZipFile(BytesIO(saved)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["one-enhanced.png", "one-enhanced-2.png", "one-enhanced-3.png"]
        for entry in archive.namelist():
            assert decode_picture(archive.read(entry)).image.shape == make_image().shape


def test_file_that_is_no_picture_is_named_and_can_be_put_away(page: Browser) -> None:
    drop(page, night_jpg=make_picture(".jpg"))
    page.wait_for(IS_SHOWN)
    drop(page, letter_txt=b"Dear all")
    page.wait_for(NOTICE, lambda text: text.startswith("letter.txt: its content is not a picture"))
    page.evaluate(CLICK % "remove")
    page.wait_for(IS_SHOWN)
    assert page.evaluate(NOTICE) == ""


def test_photo_with_transparency_is_shown(page: Browser) -> None:
    image = make_image()
    alpha = np.full(image.shape[:2], 128, np.uint8)
    drop(page, glass_png=encode_picture(Picture(image, alpha), ".png"))
    page.wait_for(IS_SHOWN)
    assert page.evaluate(NOTICE) == ""


def test_what_a_result_does_not_hold_is_told(page: Browser, tmp_path: Path) -> None:
    stream, dark = BytesIO(), Image.fromarray(make_image())
    dark.save(stream, "TIFF", save_all=True, append_images=[dark, dark])
    drop(page, scan_tif=stream.getvalue())
    page.wait_for(IS_SHOWN)
    download(page, "download", "scan-enhanced.tif", tmp_path)
    page.wait_for(NOTICE, lambda text: text == "scan.tif: left out: further pages (2)")


def test_every_kind_of_picture_can_be_chosen(page: Browser) -> None:
    accepted = page.evaluate("return document.getElementById('files').accept").split(",")
    # What phones and browsers know as images needs no suffix.
    unknown = {suffix for known in (HEIC, RAW) for suffix in known.suffixes}
    assert unknown | {"image/*"} == set(accepted)


def test_more_than_fit_are_told_of(page: Browser) -> None:
    data = make_picture(".jpg")
    drop(page, **{f"night{number}_jpg": data for number in range(51)})
    assert page.evaluate("return document.querySelectorAll('#strip button').length") == 50
    page.wait_for(NOTICE, lambda text: "50 photos are the most" in text)
    # It still stands there when the photos are done.
    page.wait_for("return document.getElementById('busy').hidden")
    assert "50 photos are the most" in page.evaluate(NOTICE)


@pytest.mark.parametrize(("width", "height", "is_phone"), [(390, 844, True), (844, 390, True), (1280, 800, False)])
def test_everything_fits_the_window(width: int, height: int, is_phone: bool, server: RunningServer) -> None:
    with open_browser(width, height, is_phone=is_phone) as browser:
        browser.open(server.url)
        browser.wait_for(IS_OPEN)
        assert browser.evaluate(OVERFLOW) <= 0
        drop(browser, one_jpg=make_picture(".jpg"), two_jpg=make_picture(".jpg"))
        browser.wait_for(IS_SHOWN)
        assert browser.evaluate(OVERFLOW) <= 0
        # A finger is some 40 pixels wide.
        assert browser.evaluate(SMALLEST_CONTROL) >= 40


def test_token_is_asked_for_once(window: Browser) -> None:
    with run_server("--token", TOKEN) as server:
        window.open(server.url)
        window.type("input", f"{TOKEN}\n")
        window.wait_for(IS_OPEN)
        assert window.evaluate("return location.href + document.cookie") == server.url
        drop(window, night_jpg=make_picture(".jpg"))
        window.wait_for(IS_SHOWN)


def test_page_asks_nobody_but_its_server(page: Browser, server: RunningServer) -> None:
    drop(page, night_jpg=make_picture(".jpg"))
    page.wait_for(IS_SHOWN)
    asked: Any = page.evaluate("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [url for url in asked if not url.startswith((server.url, f"blob:{server.url}"))] == []
