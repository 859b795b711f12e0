"""Who may watch, and who cannot keep him from it: over a real port, by clients that mean no good."""

import concurrent.futures
import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest

from apps.pi.web.pacing import Pace
from tests.apps.pi.running_camera import RunningCamera, camera, run_camera

__all__ = ["camera"]

# What a cookie cannot hold as it is: separators, quotes, spaces, a backslash, percents.
TOKEN = 'pass;word, "with" all=of\\it %41+%'
# As other programs on the same host set them: RFC 6265's grammar is kept by few.
OTHER_COOKIES = (
    'prefs={"theme": "dark", "sizes": [1, 2]}',
    "flag; other=1",
    "=nameless",
    "list[0]=a; list[1]=b",
    "path=/a/b?c=d",
    'open="half a quote',
    "caf\u00e9=cr\u00e8me",
    "a@b=c; {d}=e",
    "edge-dce-token=another-camera-of-before",
    "x" * 3000 + "=1",
    'q="' + "\\101" * 1500 + '"',
    ";;; ;,;=;",
)


@pytest.fixture(scope="module")
def guarded() -> Iterator[RunningCamera]:
    with run_camera("--token", TOKEN) as running:
        yield running


def log_in(camera: RunningCamera, token: str = TOKEN) -> str:
    """The cookie, as the browser sends it back."""
    with socket.create_connection(("127.0.0.1", camera.port), timeout=20) as connection:
        request = f"GET /?token={quote(token)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        found = connection.makefile("rb").read().decode()
    assert found.startswith("HTTP/1.1 303 ")
    cookie = re.search(r"\r\nSet-Cookie: ([^;\r]+);", found)
    assert cookie
    return cookie.group(1)


def test_token_that_a_cookie_cannot_hold_logs_in(guarded: RunningCamera) -> None:
    cookie = log_in(guarded)
    # What browsers keep of a cookie: everything up to the first of these.
    assert not re.search(r'[;,"\s\\]', cookie)
    assert guarded.get("stats.json", {"Cookie": cookie})[0] == 200
    assert guarded.get("stats.json", {"Authorization": f"Bearer {TOKEN}"})[0] == 200
    assert guarded.get("stats.json", {"Cookie": cookie[:-1]})[0] == 401


@pytest.mark.parametrize("other", OTHER_COOKIES)
def test_cookies_of_other_programs_do_not_hide_ours(other: str, guarded: RunningCamera) -> None:
    ours = log_in(guarded)
    for header in (f"{other}; {ours}", f"{ours}; {other}"):
        request = f"GET /stats.json HTTP/1.1\r\nHost: x\r\nCookie: {header}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=20) as connection:
            connection.sendall(request.encode("latin-1"))
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200 ")


def test_two_cameras_on_one_machine_keep_their_cookies(guarded: RunningCamera) -> None:
    with run_camera("--token", TOKEN[::-1]) as other:
        theirs = log_in(other, TOKEN[::-1])
    # A browser keeps one value for each name, whatever the port.
    assert theirs.partition("=")[0] != log_in(guarded).partition("=")[0]


@pytest.mark.parametrize(
    ("line", "header", "status"),
    [
        ("GET /frame.jpg?after=" + "9" * 4400, "", 400),
        ("GET /frame.jpg?after=-" + "9" * 4400, "", 400),
        ("GET /frame.jpg?after=%D9%A3", "", 400),
        ("POST /settings?strength=" + "9" * 4400, "", 400),
        ("POST /settings?denoise=0x1p-2", "", 400),
        ("POST /settings?strength=1", "Origin: http://[x", 400),
        ("POST /settings?strength=1", "Origin: http://[::1%25]:x", 400),
        ("POST /settings?strength=1", "Origin: nonsense", 400),
        ("POST /settings?strength=1", "Origin: ", 400),
        ("POST /settings?strength=1", "Origin: null", 403),
        ("GET /stats.json", "Authorization: Bearer", 200),
        ("GET /stats.json", "Sec-Fetch-Site: same-origin, cross-site", 403),
    ],
)
def test_what_makes_no_sense_is_answered_and_leaves_no_traceback(
    line: str, header: str, status: int, camera: RunningCamera
) -> None:
    head = f"{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", camera.port), timeout=20) as connection:
        connection.sendall(f"{head}{header}\r\n\r\n".encode() if header else f"{head}\r\n".encode())
        assert connection.makefile("rb").read().startswith(f"HTTP/1.1 {status} ".encode())
    assert "Traceback" not in camera.read_log()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_get_no_pictures(site: str, camera: RunningCamera) -> None:
    for path in ("snapshot.jpg", "frame.jpg", "stream.mjpg", "stats.json", "metrics"):
        assert camera.get(path, {"Sec-Fetch-Site": site})[0] == 403
    # A link to the page is nothing that another site could read.
    assert camera.get("", {"Sec-Fetch-Site": site})[0] == 200
    for own in ("same-origin", "none"):
        assert camera.get("snapshot.jpg", {"Sec-Fetch-Site": own})[0] == 200


def test_every_answer_tells_browsers_to_keep_it_from_other_sites(camera: RunningCamera) -> None:
    for path in ("", "snapshot.jpg", "healthz", "nothing"):
        headers = camera.get(path)[2]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "form-action 'self'" in headers["Content-Security-Policy"]
    with socket.create_connection(("127.0.0.1", camera.port), timeout=20) as connection:
        connection.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"\r\nCross-Origin-Resource-Policy: same-origin\r\n" in connection.recv(4096)


def test_idle_strangers_shut_out_neither_token_holder_nor_health_check(guarded: RunningCamera) -> None:
    cookie = log_in(guarded)
    with contextlib.ExitStack() as stack:
        viewer = stack.enter_context(socket.create_connection(("127.0.0.1", guarded.port), timeout=20))
        viewer.sendall(f"GET /stream.mjpg HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
        assert viewer.recv(1 << 16)
        for number in range(200):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", guarded.port), timeout=20))
            if number % 2:
                stranger.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert guarded.get("healthz")[0] == 200
        assert guarded.get("snapshot.jpg", {"Cookie": cookie})[0] == 200
        assert guarded.get("stats.json")[0] == 401
        # And who watched goes on watching.
        for _ in range(20):
            assert viewer.recv(1 << 16)


def test_guesser_is_slowed_down_and_holder_on_his_connection_is_not() -> None:
    with run_camera("--token", TOKEN) as camera:
        holder = socket.create_connection(("127.0.0.1", camera.port), timeout=20)
        ask = f"GET /stats.json HTTP/1.1\r\nHost: x\r\nCookie: {log_in(camera)}\r\n\r\n" * 2

        def count_answers() -> int:
            holder.sendall(ask.encode())
            found = b""
            while found.count(b"HTTP/1.1 200") < 2:
                found += (part := holder.recv(65536))
                assert part
                assert b" 401 " not in found
            return found.count(b"HTTP/1.1 200")

        with holder, concurrent.futures.ThreadPoolExecutor(30) as pool:
            assert count_answers() == 2
            wrong = [pool.submit(camera.get, "stats.json", {"Authorization": f"Bearer {n}"}) for n in range(30)]
            statuses = [guess.result()[0] for guess in wrong]
            # Ten at once, eight wait for their turn, of which there is one a second, and the others are sent away.
            assert {401, 429} == set(statuses)
            assert count_answers() == 2
            assert json.loads(camera.get("stats.json", {"Authorization": f"Bearer {TOKEN}"})[1])["schema"] == 1


def test_pace_is_a_burst_and_then_a_rate() -> None:
    # The bucket fills so slowly that nothing comes back while this runs.
    pace = Pace(burst=3, per_s=1e-6)
    for _ in range(3):
        assert pace.wait_s == 0
        pace.count()
    assert pace.wait_s > 1e5
    pace.count(-1)
    assert pace.wait_s == 0


def test_picture_taller_than_jpeg_can_hold_is_served_smaller(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "tall.png"), np.full((33_000, 8, 3), 20, np.uint8))
    with run_camera("--source", str(tmp_path / "tall.png"), "--size", "8x33000", "--denoise", "0") as camera:
        status, body, _ = camera.get("frame.jpg?view=pair")
        assert status == 200
        image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
        # Twice 33,000 is 66,000 rows.
        assert image.shape[0] == 65_500
        assert camera.get("frame.jpg")[0] == 200
        assert camera.get("healthz")[0] == 200
