"""Requests with bodies, where the server takes them."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest

from apps.pi.stats import LiveStats
from apps.pi.web import connection as connection_module
from apps.pi.web import server as server_module
from apps.pi.web.messages import Request, Response
from apps.pi.web.server import Server
from tests.apps.pi.test_server import Served, read_all, wait_until

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
MOST_BYTES = 1000
MOST_CONNECTIONS = 4


async def answer(request: Request) -> Response:
    if request.path == "/unread":
        return Response(b"not wanted")
    request.admit()
    return Response(b"nothing" if request.body is None else b"got " + await request.body.read(MOST_BYTES))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that waits half a second for a piece, and has few places."""
    monkeypatch.setattr(connection_module, "_PIECE_TIMEOUT_S", 0.5)
    monkeypatch.setattr(server_module, "_MAX_CONNECTIONS", MOST_CONNECTIONS)
    started: list[int] = []
    stats = LiveStats()
    loop = asyncio.new_event_loop()
    is_over = asyncio.Event()

    async def serve() -> None:
        server = Server(answer, stats, takes_bodies=True)
        started.append(await server.start("127.0.0.1", 0))
        await is_over.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    wait_until(lambda: bool(started))
    yield Served(started[0], stats)
    loop.call_soon_threadsafe(is_over.set)
    thread.join(10)
    assert not thread.is_alive()
    loop.close()


def test_connection_is_used_again_after_a_body(served: Served) -> None:
    with served.connect() as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"Content-Length: 5\r\n\r\nabcde")
            assert connection.recv(65536).endswith(b"\r\n\r\ngot abcde")


def test_request_without_a_body_has_none(served: Served) -> None:
    assert served.ask(HEAD + b"Connection: close\r\n\r\n").endswith(b"\r\n\r\nnothing")


def test_body_that_nobody_wants_ends_the_connection(served: Served) -> None:
    found = served.ask(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
    assert found.endswith(b"\r\n\r\nnot wanted")
    assert b"\r\nConnection: close\r\n" in found


def test_body_that_stops_coming_is_given_up(served: Served) -> None:
    found = served.ask(HEAD + b"Content-Length: 500\r\n\r\nabc")
    assert found.startswith(b"HTTP/1.1 408 ")
    assert found.endswith(b"\r\n\r\nthe body took too long\n")


def test_body_of_too_many_bytes_is_refused(served: Served) -> None:
    found = served.ask(HEAD + b"Content-Length: %d\r\n\r\n" % (MOST_BYTES + 1) + bytes(MOST_BYTES + 1))
    assert found.startswith(b"HTTP/1.1 413 ")


def test_sender_without_an_end_is_not_listened_to_for_ever(served: Served) -> None:
    piece = b"2000\r\n" + bytes(0x2000) + b"\r\n"
    found = served.ask(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + 20 * piece)
    assert found.startswith(b"HTTP/1.1 413 ")


def test_slow_senders_hold_places_until_they_are_given_up(served: Served) -> None:
    with contextlib.ExitStack() as held:
        senders = [held.enter_context(served.connect()) for _ in range(MOST_CONNECTIONS)]
        for sender in senders:
            sender.sendall(HEAD + b"Content-Length: 500\r\nExpect: 100-continue\r\n\r\n")
            assert sender.recv(65536).startswith(b"HTTP/1.1 100 ")
        assert served.ask(HEAD + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 503 ")
        # Whoever is not let in has a place of his own.
        assert served.ask(b"GET /unread HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        for sender in senders:
            assert read_all(sender).startswith(b"HTTP/1.1 408 ")
    assert served.ask(HEAD + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
