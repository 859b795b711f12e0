"""Loads the model, listens, and stops when told to: `python -m apps.photos`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from edge_dce.terminal.console import answer

from ..pi.stats import LiveStats
from ..pi.web.server import Server
from .enhancement import Enhancement
from .options import PROG, WebOptions, read_options
from .pages import Pages, explain

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None, *, prog: str = PROG) -> int:
    """Serve until told to stop.

    Args:
        prog: the command's name in help and messages.

    Returns:
        Exit status: 0 stopped, 1 for an error said on stderr, 2 for wrong usage (by the parser), 130 for Ctrl-C.
    """
    options = read_options(sys.argv[1:] if argv is None else argv, prog=prog)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=f"{prog}: %(message)s")
    return answer(lambda: asyncio.run(serve(options)), prog=prog)


async def serve(options: WebOptions) -> int:
    """Returns the exit status.

    Raises:
        EdgeDceError: the model cannot be loaded, or the address is taken.
    """
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(status: int) -> None:
        if not stopped.done():
            stopped.set_result(status)

    loop.add_signal_handler(signal.SIGTERM, stop, 0)
    loop.add_signal_handler(signal.SIGINT, stop, 130)
    pages = Pages(Enhancement(options), options.token)
    server = Server(pages.answer, LiveStats(), takes_bodies=True, explain=explain)
    address = await server.listen(*options.http)
    _log.info("%s%s", address, "" if options.token is None else " (asks for the token)")
    try:
        return await stopped
    finally:
        await server.stop()
