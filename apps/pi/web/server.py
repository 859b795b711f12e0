"""HTTP/1.1 connections and their limits, on one thread however many there are.

h11 parses and checks what comes in; asyncio waits. Nothing here knows what is served: a handler turns a `Request` into
a `Response` or a `StreamedResponse`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import h11

from ..stats import LiveStats

_log = logging.getLogger(__name__)

_MAX_CONNECTIONS = 64
# h11 compares with what an incomplete head has come to, so the longest that passes is one reading more.
_MAX_HEAD_BYTES = 8 * 1024
# Of a whole request, from its first byte or the end of the one before: a client that dribbles is a client that stalls.
_REQUEST_TIMEOUT_S = 10.0
# Of a body: the next piece of it, and the whole.
_PIECE_TIMEOUT_S = 10.0
_BODY_TIMEOUT_S = 300.0
# A viewer that took nothing for so long is gone.
_WRITE_TIMEOUT_S = 10.0
# What waits in the kernel is old by the time it arrives: room for a frame or two, not for the system's megabytes.
_SEND_BUFFER_BYTES = 256 * 1024
_READ_BYTES = 8 * 1024
# Of a body that is too long, times what it may be.
_MOST_DISCARDED = 4
_SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'"),
)


@dataclasses.dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: GET, HEAD or POST.
        path: as it came, not decoded.
        query: the last value of every name.
        headers: names in lower case.
        body: what comes after the head, still on its way; None where nothing does.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Body | None = None


@dataclasses.dataclass(frozen=True)
class Response:
    """A whole answer."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class StreamedResponse:
    """An answer that goes on until the viewer leaves or the parts end.

    A part is asked for only when the viewer has taken the one before; an empty part only looks whether he is there.
    """

    parts: AsyncIterator[bytes]
    content_type: str


class Body:
    """The body of a request. It stays with the client until somebody who may send it is found to have sent it."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def read(self, most_bytes: int) -> bytes:
        """All of it.

        Raises:
            RequestError: it is longer, too slow or cut short.
        """
        kept: list[bytes] = []
        size = 0
        async for piece in self._pieces:
            size += len(piece)
            if size > _MOST_DISCARDED * max(most_bytes, _READ_BYTES):
                break
            # What is too long is taken and not kept: its sender reads no answer before it has sent all.
            if size <= most_bytes:
                kept.append(piece)
            else:
                kept.clear()
        if size > most_bytes:
            raise RequestError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected a body of at most {most_bytes // 10**6} MB"
            )
        return b"".join(kept)

    async def discard(self, most_bytes: int) -> None:
        """Take it, up to some size, so that the client comes to read the answer."""
        size = 0
        async for piece in self._pieces:
            size += len(piece)
            if size > most_bytes:
                return


Handler = Callable[[Request], Awaitable["Response | StreamedResponse"]]


class RequestError(Exception):
    """A request that is answered with this status and line."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status

    def to_response(self) -> Response:
        return Response(f"{self}\n".encode(), status=self.status)


class Server:
    """Listens, and answers by calling the handler."""

    def __init__(
        self,
        handler: Handler,
        stats: LiveStats,
        *,
        takes_bodies: bool = False,
        explain: Callable[[RequestError], Response] = RequestError.to_response,
    ) -> None:
        """
        Args:
            takes_bodies: whether requests may have a body, which the handler reads.
            explain: the answer to a request that cannot be followed.
        """
        self._handler = handler
        self._stats = stats
        self._takes_bodies = takes_bodies
        self._explain = explain
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Bind and listen; an empty host is every address. Returns the port, which the system chooses for port 0.

        Raises:
            OSError: the address is taken or not this machine's.
        """
        self._server = await asyncio.start_server(self._accept, host or None, port, limit=_READ_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            connection = _Connection(reader, writer, takes_bodies=self._takes_bodies)
            if len(self._connections) > _MAX_CONNECTIONS:
                self._stats.refused += 1
                await connection.answer(Response(b"too many connections\n", status=HTTPStatus.SERVICE_UNAVAILABLE))
            else:
                await self._converse(connection)
        except (OSError, asyncio.TimeoutError):
            # The client went away or stalled, which is his business.
            pass
        except asyncio.CancelledError:
            # From stop(): the connection ends here, and nobody waits for this task to be cancelled.
            pass
        finally:
            self._connections.discard(task)
            # Not close(), which would wait for a stalled client to take what is still buffered.
            writer.transport.abort()

    async def _converse(self, connection: _Connection) -> None:
        is_open = True
        while is_open:
            head_only = False
            try:
                request = await connection.read_request()
                if request is None:
                    return
                head_only = request.method == "HEAD"
                answer = await self._handler(request)
                self._stats.requests += 1
            except RequestError as error:
                self._stats.refused += 1
                answer = self._explain(error)
            if isinstance(answer, StreamedResponse):
                await self._stream(connection, answer)
                return
            is_open = await connection.answer(answer, head_only=head_only)

    async def _stream(self, connection: _Connection, answer: StreamedResponse) -> None:
        self._stats.viewers += 1
        try:
            await connection.stream(answer)
        finally:
            self._stats.viewers -= 1


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, takes_bodies: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._takes_bodies = takes_bodies
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        # So that drain() waits until all is sent.
        writer.transport.set_write_buffer_limits(high=0)
        with contextlib.suppress(OSError):
            opened = writer.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def read_request(self) -> Request | None:
        """The next request; None if the client has no more.

        Raises:
            RequestError: not HTTP, too large, with a body, or too slow.
        """
        try:
            return await asyncio.wait_for(self._read_request(), _REQUEST_TIMEOUT_S)
        except asyncio.TimeoutError:
            if self._protocol.our_state is h11.IDLE and not self._protocol.trailing_data[0]:
                # Nothing begun: a browser keeping a connection for later.
                return None
            raise RequestError(HTTPStatus.REQUEST_TIMEOUT, "the request took too long") from None
        except h11.RemoteProtocolError as error:
            status = HTTPStatus(error.error_status_hint or 400)
            raise RequestError(status, f"this request cannot be answered: {error}") from error

    async def _read_request(self) -> Request | None:
        head: h11.Request | None = None
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                self._protocol.receive_data(await self._reader.read(_READ_BYTES))
            elif isinstance(event, h11.Request):
                head = event
                if self._takes_bodies and _has_body(head):
                    return _to_request(head, Body(self._list_pieces()))
            elif isinstance(event, h11.Data):
                raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "expected a request without a body")
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                return _to_request(head)
            else:
                return None

    async def _list_pieces(self) -> AsyncIterator[bytes]:
        deadline_s = time.monotonic() + _BODY_TIMEOUT_S
        if self._protocol.they_are_waiting_for_100_continue:
            await self._write(self._protocol.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        while piece := await self._read_piece(deadline_s):
            yield piece

    async def _read_piece(self, deadline_s: float) -> bytes:
        """Of a body; empty at its end."""
        try:
            while (event := self._protocol.next_event()) is h11.NEED_DATA:
                timeout_s = min(_PIECE_TIMEOUT_S, deadline_s - time.monotonic())
                self._protocol.receive_data(await asyncio.wait_for(self._reader.read(_READ_BYTES), timeout_s))
        except asyncio.TimeoutError:
            raise RequestError(HTTPStatus.REQUEST_TIMEOUT, "the body took too long") from None
        except h11.RemoteProtocolError as error:
            raise RequestError(HTTPStatus.BAD_REQUEST, f"the body cannot be read: {error}") from error
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def answer(self, response: Response, *, head_only: bool = False) -> bool:
        """Send a whole answer; whether the connection may be used again."""
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", "no-store"),
            *_SECURITY_HEADERS,
            *response.headers,
        ]
        protocol = self._protocol
        if protocol.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        head = h11.Response(status_code=response.status, reason=response.status.phrase, headers=headers)
        events = [head, h11.EndOfMessage()] if head_only else [head, h11.Data(data=response.body), h11.EndOfMessage()]
        # Unlike send(), this copies no body on its way through h11.
        self._writer.writelines([data for event in events for data in protocol.send_with_data_passthrough(event) or ()])
        await self._drain()
        if protocol.our_state is not h11.DONE or protocol.their_state is not h11.DONE:
            await self._finish()
            return False
        protocol.start_next_cycle()
        return True

    async def stream(self, answer: StreamedResponse) -> None:
        # By hand, because h11 would send chunks, which many a simple MJPEG reader does not know.
        head = [
            "HTTP/1.1 200 OK",
            f"Content-Type: {answer.content_type}",
            "Cache-Control: no-store",
            "Connection: close",
            *(f"{name}: {value}" for name, value in _SECURITY_HEADERS),
        ]
        await self._write("\r\n".join([*head, "\r\n"]).encode("ascii"))
        async for part in answer.parts:
            if self._reader.at_eof() or self._writer.is_closing():
                return
            if part:
                await self._write(part)
        await self._finish()

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._drain()

    async def _drain(self) -> None:
        """Wait until all is sent, for as long as the client takes something now and then."""
        transport = self._writer.transport
        # Nearly always the kernel has taken it all at once, and nothing is left to wait for.
        unsent, since_s = transport.get_write_buffer_size(), time.monotonic()
        while unsent:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._writer.drain(), 1.0)
            now_unsent = transport.get_write_buffer_size()
            if now_unsent < unsent:
                unsent, since_s = now_unsent, time.monotonic()
            elif time.monotonic() - since_s > _WRITE_TIMEOUT_S:
                raise asyncio.TimeoutError

    async def _finish(self) -> None:
        """End the connection so that the client reads the answer even if it is still sending."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._discard(), 0.5)

    async def _discard(self) -> None:
        for _ in range(64):
            if not await self._reader.read(_READ_BYTES):
                return


def _has_body(head: h11.Request) -> bool:
    headers = dict(head.headers)
    return b"transfer-encoding" in headers or int(headers.get(b"content-length", b"0")) > 0


def _to_request(head: h11.Request, body: Body | None = None) -> Request:
    method = head.method.decode("ascii")
    if method not in ("GET", "HEAD", "POST"):
        raise RequestError(HTTPStatus.METHOD_NOT_ALLOWED, f"expected GET, HEAD or POST, found {method}")
    try:
        target = urlsplit(head.target.decode("ascii"))
        query = dict(parse_qsl(target.query, max_num_fields=16))
    except ValueError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "expected a plain address") from error
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    return Request(method, target.path, query, headers, body)
