"""HTTP/1.1 on one thread however many connections there are, with places for those who may watch.

Nothing here knows what is served: a handler turns a `Request` into a `Response` or a `StreamedResponse`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable

from edge_dce.errors import EdgeDceError

from ..stats import LiveStats
from .connection import READ_BYTES, Connection
from .messages import Request, RequestError, Response, StreamedResponse
from .pacing import ByAddress, Pace
from .places import Places, Visitor

_MAX_CONNECTIONS = 64
# Besides those: connections that have not yet shown that they may watch.
_MAX_STRANGERS = 32
# Requests of one connection, and of the strangers of one address. A flood must leave the processor to the pictures.
_BURST = 100
_REQUESTS_PER_S = 30.0
# Of documentation (RFC 5737, RFC 3849): nobody has them, and they lie where the network is.
_FAR = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
# What stands for every address of this machine -> of which families.
_EVERY_ADDRESS = {"": tuple(_FAR), "0.0.0.0": (socket.AF_INET,), "::": (socket.AF_INET6,)}

Handler = Callable[[Request], Awaitable["Response | StreamedResponse"]]


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
        self._places = Places(most_known=_MAX_CONNECTIONS, most_strangers=_MAX_STRANGERS)
        self._paces = ByAddress(_make_pace, lambda pace: pace.is_full)
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Bind and listen; an empty host is every address. Returns the port, which the system chooses for port 0.

        Raises:
            OSError: the address is taken or not this machine's.
        """
        self._server = await asyncio.start_server(self._accept, host or None, port, limit=READ_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def listen(self, host: str, port: int) -> str:
        """As `start`; returns an address that opens in a browser, where every one is listened to that of the network.

        Raises:
            EdgeDceError: the address is taken or not this machine's.
        """
        try:
            port = await self.start(host, port)
        except OSError as error:
            raise EdgeDceError(
                f"cannot listen on {host or '*'}:{port} ({error.strerror}); choose another --http"
            ) from error
        shown = find_own_address(_EVERY_ADDRESS[host]) if host in _EVERY_ADDRESS else host
        return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"

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
        # None for a client that has gone already.
        peer = writer.get_extra_info("peername") or ("",)
        visitor = self._places.enter(peer[0], task.cancel)
        try:
            await self._converse(Connection(reader, writer, visitor, takes_bodies=self._takes_bodies), visitor)
        except (OSError, asyncio.TimeoutError):
            # The client went away or stalled, which is his business.
            pass
        except asyncio.CancelledError:
            # From stop(), or a stranger making room: the connection ends here, and nobody waits for this task.
            pass
        finally:
            self._connections.discard(task)
            self._places.leave(visitor)
            # Not close(), which would wait for a stalled client to take what is still buffered.
            writer.transport.abort()

    async def _converse(self, connection: Connection, visitor: Visitor) -> None:
        is_open, own_pace = True, _make_pace()
        while is_open:
            # One who may watch does not wait for strangers that share his address, behind a proxy for one.
            pace = own_pace if visitor.is_known else self._paces[visitor.address]
            while wait_s := pace.wait_s:
                await asyncio.sleep(wait_s)
            try:
                try:
                    request = await connection.read_request()
                finally:
                    pace.count()
                if request is None:
                    return
                answer = await self._handler(request)
                self._stats.requests += 1
                if isinstance(answer, Response) and answer.is_paced:
                    pace.count(-1)
            except RequestError as error:
                self._stats.refused += 1
                answer = self._explain(error)
            if isinstance(answer, StreamedResponse):
                await self._stream(connection, answer)
                return
            is_open = await connection.answer(answer)

    async def _stream(self, connection: Connection, answer: StreamedResponse) -> None:
        self._stats.viewers += 1
        try:
            await connection.stream(answer)
        finally:
            self._stats.viewers -= 1


def find_own_address(families: Iterable[socket.AddressFamily]) -> str:
    """The address by which others in the network reach this machine; its own name for itself where there is none."""
    for family in families:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Sends nothing: the system chooses the way, and with it the address.
            probe.connect((_FAR[family], 9))
            return str(probe.getsockname()[0])
    return "localhost"


def _make_pace() -> Pace:
    return Pace(burst=_BURST, per_s=_REQUESTS_PER_S)
