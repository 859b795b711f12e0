"""The flags of `edge-dce web`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from edge_dce.enhancing.options import add_model_options
from edge_dce.errors import EdgeDceError
from edge_dce.terminal.parser import CommandParser
from edge_dce.version import VERSION

from ..pi.options import TOKEN_VARIABLE, OptionsError, find_token, is_loopback, parse_address

PROG = "edge-dce-web"


@dataclasses.dataclass(frozen=True)
class WebOptions:
    """What one run does, as described under --help."""

    model: str
    threads: int | None
    contract: str | None
    accelerator: str | None
    http: tuple[str, int]
    token: str | None


def read_options(argv: Sequence[str], *, prog: str = PROG) -> WebOptions:
    """The options of a command line; exits with status 2 and a line on stderr where they are wrong."""
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        return _to_options(arguments)
    except EdgeDceError as error:
        parser.error(str(error))


def build_parser(prog: str = PROG) -> argparse.ArgumentParser:
    parser = CommandParser(
        prog=prog, description="Enhance photos on a web page, and for programs over HTTP.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"edge-dce {VERSION}")
    add_model_options(parser)
    parser.add_argument(
        "--http",
        default="127.0.0.1:8001",
        metavar="HOST:PORT",
        help="address to listen on (default: %(default)s); ':8001' listens on all addresses of this machine",
    )
    parser.add_argument(
        "--token",
        help=f"secret for visitors, also read from ${TOKEN_VARIABLE}; required if --http is not a loopback address",
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="read the token from the first line of this file"
    )
    return parser


def _to_options(arguments: argparse.Namespace) -> WebOptions:
    http = parse_address(arguments.http)
    if http is None:
        raise OptionsError("expected --http HOST:PORT such as 127.0.0.1:8001, found 'off'")
    token = find_token(arguments.token, arguments.token_file)
    if token is None and not is_loopback(http[0]):
        raise OptionsError(
            f"anybody who reaches {http[0] or 'this machine'}:{http[1]} could use it; add --token, or use "
            "--http 127.0.0.1:8001"
        )
    return WebOptions(arguments.model, arguments.threads, arguments.contract, arguments.accelerator, http, token)
