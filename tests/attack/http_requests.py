"""Requests: well-formed ones that say anything, and damaged bytes, over a real port."""

from __future__ import annotations

import contextlib
import random
import socket
import time

from tests.apps.pi.running_camera import RunningCamera
from tests.attack.mutation import mutate

TOKEN = "an attacker; does not know it"
# Longer than the server waits for the rest of a request, or for a wrong token's turn.
_LIMIT_S = 30.0
_MOST_READ = 200_000
_PATHS = (
    *("/", "/page.js", "/page.css", "/icon.svg", "/healthz", "/stats.json", "/metrics", "/snapshot.jpg", "/frame.jpg"),
    *("/stream.mjpg", "/settings", "/nothing", "//", "/..", "/%00", "/page.css/../../options.py", "*", "http://[x", ""),
    *(
        "/cam/",
        "/cam/healthz",
        "/cam/../settings",
        "/%2e%2e/settings",
        "/settings%2f",
        "/healthz/",
        "/ws",
        "/stream.mjpg/",
    ),
    *("http://localhost/healthz", "//evil.example/", "/frame.jpg;a", "/?", "/#", "/%u0000"),
)
_QUERIES = ("after", "view", "token", "strength", "max_brightness", "denoise", "", "x" * 3000)
_HEADERS = (
    *("Cookie", "Authorization", "Origin", "Sec-Fetch-Site", "Host", "Content-Length", "Transfer-Encoding", "Te"),
    *(
        "Content-Length",
        "Transfer-Encoding",
        "Sec-Fetch-Mode",
        "Sec-Fetch-Dest",
        "Sec-WebSocket-Key",
        "X-Forwarded-Prefix",
    ),
    *("Connection", "Expect", "Upgrade", "Range", "If-None-Match", "X-Forwarded-For", "Accept-Encoding", "Trailer"),
)
_VALUES = (
    *("", "0", "-1", "1", "9" * 4400, "1e999", "nan", "inf", "\u00e9", "a,b", "null", "none", "same-origin"),
    *("cross-site", "http://[x", "http://localhost:0", "http://localhost:99999", "file:///etc/passwd", "chunked"),
    *(
        "keep-alive, close",
        "gzip, chunked",
        "100-continue",
        "websocket",
        "Bearer",
        "Bearer " + "x" * 4000,
        "Basic Og==",
    ),
    *('edge-dce-token="' + "\\" * 6000, "a=" + '"\\101' * 1200, ";" * 7000, "=" * 7000, "edge-dce-token=x; " * 400),
    *(
        "%" * 3000,
        "%ff%fe",
        "+",
        "after",
        "pair",
        "still",
        "auto",
        "0.5",
        "localhost",
        "[::1",
        "a\tb",
        "\x7f",
        "bytes=0-",
    ),
)


def make_request(chance: random.Random) -> bytes:
    """One or more requests, whole or not."""
    parts = [_make_one(chance) for _ in range(chance.choice((1, 1, 1, 2, 5)))]
    data = b"".join(parts)
    kind = chance.random()
    if kind < 0.3:
        return mutate(data, chance)
    if kind < 0.35:
        return data[: chance.randrange(len(data))]
    return chance.randbytes(chance.choice((1, 10, 1000, 40_000))) if kind < 0.38 else data


def _make_one(chance: random.Random) -> bytes:
    method = chance.choice(("GET", "GET", "GET", "HEAD", "POST", "DELETE", "get", "X" * 500))
    path = chance.choice(_PATHS)
    if chance.random() < 0.5:
        pairs = [f"{chance.choice(_QUERIES)}={chance.choice(_VALUES)}" for _ in range(chance.choice((1, 1, 2, 30)))]
        path = f"{path}?{'&'.join(pairs)}"
    version = chance.choice(("HTTP/1.1",) * 6 + ("HTTP/1.0", "HTTP/2.0", "HTTP/0.9", ""))
    headers = [("Host", chance.choice(("localhost",) * 6 + ("example.org", "[::1]:80", "", "a b")))]
    if chance.random() < 0.5:
        headers.append(("Authorization", f"Bearer {TOKEN}"))
    headers += [(chance.choice(_HEADERS), chance.choice(_VALUES)) for _ in range(chance.choice((0, 0, 1, 2, 60)))]
    chance.shuffle(headers)
    # Proxies and servers that read these differently can be told different requests.
    between = chance.choice((": ",) * 12 + (":", " : ", ":\t", ":\r\n ", ":\r", ": \0"))
    lines = [f"{method} {path} {version}", *(f"{name}{between}{value}" for name, value in headers)]
    end = chance.choice(("\r\n",) * 9 + ("\n",))
    body = chance.choice(
        ("",) * 8
        + ("hello", "5\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\n", "x" * 70_000)
        + ("0\r\n\r\nGET /settings HTTP/1.1\r\nHost: localhost\r\n\r\n", "5;a=b\r\nhello\r\n0\r\nHost: x\r\n\r\n")
    )
    return (end.join([*lines, "", ""]) + body).encode("latin-1", "replace")


def find_fault(data: bytes, camera: RunningCamera, chance: random.Random) -> str | None:
    """What is wrong with the server's answer, or with the server after it; None if nothing is."""
    said_before = len(camera.read_log())
    start_s = time.monotonic()
    found = _ask(data, camera.port, chance)
    if time.monotonic() - start_s > _LIMIT_S:
        return f"is neither answered nor ended in {_LIMIT_S:g} s"
    if found and not found.startswith(b"HTTP/1.1 "):
        return f"gets no HTTP: {found[:100]!r}"
    if b"HTTP/1.1 500 " in found:
        return f"is too much: {found[:200]!r}"
    if camera.process.poll() is not None:
        return f"ends the program with {camera.process.returncode}:\n{camera.read_log()}"
    if "Traceback" in (said := camera.read_log()[said_before:]):
        return f"leaves a traceback:\n{said}"
    with contextlib.suppress(OSError):
        if camera.get("healthz")[0] == 200:
            return None
    return "makes the camera ill"


def _ask(data: bytes, port: int, chance: random.Random) -> bytes:
    """What comes back, at most so much of it."""
    found = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=_LIMIT_S) as connection:
        if chance.random() < 0.1 and data:
            half = chance.randrange(len(data))
            connection.sendall(data[:half])
            time.sleep(0.02)
            data = data[half:]
        connection.sendall(data)
        if chance.random() < 0.1:
            return found
        # Nothing more will come: what is incomplete now stays so.
        connection.shutdown(socket.SHUT_WR)
        while len(found) < _MOST_READ and (part := connection.recv(65536)):
            found += part
    return found
