"""Flags and the TOML file that may hold them: one list of options, one way to check them."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_dce.camera.sources import AUTO, describe_sources
from edge_dce.enhancing.options import add_look_options, add_model_options
from edge_dce.errors import EdgeDceError
from edge_dce.files.address import Address
from edge_dce.pixels.look import Look
from edge_dce.terminal.arguments import parse_above_zero, parse_positive, parse_size
from edge_dce.terminal.parser import CommandParser
from edge_dce.version import VERSION

from .outputs.retention import Keep

PROG = "edge-dce-pi"
TOKEN_VARIABLE = "EDGE_DCE_PI_TOKEN"
_LEAST_TOKEN = 16
_MAKE = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe())'"
_KEEP = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([A-Za-z]+)")
_SIZES = {"mb": 10**6, "gb": 10**9, "tb": 10**12}
_AGES_S = {"m": 60, "h": 3600, "d": 86400}


class OptionsError(EdgeDceError):
    """Flags or a configuration file that cannot be followed; said like any wrong usage."""


@dataclasses.dataclass(frozen=True)
class LiveOptions:
    """What one run does. Each field is a flag and a key of the configuration file, described under --help."""

    source: str
    size: tuple[int, int] | None
    fps: float | None
    once: bool
    model: str
    threads: int | None
    contract: str | None
    accelerator: str | None
    look: Look
    smooth: bool
    auto: bool
    http: tuple[str, int] | None
    token: str | None
    quality: int
    record: str | None
    stills: Path | None
    every_s: float
    keep: Keep | None
    raw: bool
    mpegts: bool
    rtsp: Address | None
    virtual_camera: str | None
    screen: bool
    config: Path | None


def read_options(argv: Sequence[str], *, prog: str = PROG) -> LiveOptions:
    """The options of a command line and of the file that it names; flags win over the file.

    Exits with status 2 and a line on stderr where they are wrong.
    """
    parser = build_parser(prog)
    config = _build_config_parser().parse_known_args(argv)[0].config
    try:
        from_file = read_config(config) if config else []
        options = _to_options(parser.parse_args([*from_file, *argv]))
    except EdgeDceError as error:
        parser.error(str(error))
    return options


def read_config(path: Path) -> list[str]:
    """The flags that a TOML file stands for: `every = "10s"` is `--every=10s`, `auto = true` is `--auto`.

    Raises:
        OptionsError: missing, not TOML, or a key that is no flag.
    """
    try:
        values = _load_toml(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise OptionsError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise OptionsError(f"{path}: expected UTF-8 text ({error.reason} at byte {error.start})") from error
    defaults = vars(build_parser().parse_args([]))
    del defaults["config"]
    flags = []
    for key, value in values.items():
        name = key.replace("-", "_")
        flag = f"--{key.replace('_', '-')}"
        if name not in defaults:
            names = " ".join(sorted(name.replace("_", "-") for name in defaults))
            raise OptionsError(f"{path}: unknown key '{key}'; expected keys are: {names}")
        if isinstance(defaults[name], bool) != isinstance(value, bool) or not isinstance(value, (str, int, float)):
            expected = "true or false" if isinstance(defaults[name], bool) else "a text or a number"
            raise OptionsError(f"{path}: expected {expected} for '{key}', found {value!r}")
        # The command line can undo what the file says, so "false" must be a flag too.
        flags.append(f"{flag}={value}" if not isinstance(value, bool) else flag if value else f"--no-{flag[2:]}")
    return flags


def build_parser(prog: str = PROG) -> argparse.ArgumentParser:
    switch = argparse.BooleanOptionalAction
    parser = CommandParser(
        prog=prog,
        description="Enhance a camera's pictures live, without a screen.",
        parents=[_build_config_parser()],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"edge-dce {VERSION}")

    camera = parser.add_argument_group("camera")
    camera.add_argument("--source", default=AUTO, help=f"{describe_sources()} (default: %(default)s)")
    camera.add_argument(
        "--size", type=parse_size, metavar="WxH", help="size of the frames (default: 1280x720, or the size of the file)"
    )
    camera.add_argument("--fps", type=_parse_fps, help="frames per second (default: 30, or the rate of the file)")
    camera.add_argument("--once", action=switch, default=False, help="stop at the end of a video file")

    look = parser.add_argument_group("enhancement")
    add_model_options(look)
    add_look_options(look)
    look.add_argument("--smooth", action=switch, default=True, help="change the curves gently from frame to frame")
    look.add_argument("--auto", action=switch, default=False, help="enhance only while it is dark")

    web = parser.add_argument_group("web page and streams")
    web.add_argument(
        "--http",
        default="127.0.0.1:8000",
        metavar="HOST:PORT|off",
        help="address to listen on (default: %(default)s); ':8000' listens on all addresses of this machine",
    )
    web.add_argument(
        "--token",
        help=f"secret for viewers, also read from ${TOKEN_VARIABLE}; required if --http is not a loopback address",
    )
    web.add_argument("--token-file", type=Path, metavar="FILE", help="read the token from the first line of this file")
    web.add_argument(
        "--quality", type=_parse_quality, default=80, metavar="1-95", help="JPEG quality (default: %(default)s)"
    )

    output = parser.add_argument_group("other outputs")
    output.add_argument(
        "--record",
        metavar="FILE.mp4",
        help="record a video; the name may hold strftime fields, such as night-%%Y%%m%%d-%%H%%M%%S.mp4",
    )
    output.add_argument(
        "--stills", type=Path, metavar="DIR", help="save a JPEG to this folder at every interval of --every"
    )
    output.add_argument(
        "--every", type=_parse_duration, default=10.0, metavar="10s|5m|1h", help="time between stills (default: 10s)"
    )
    output.add_argument(
        "--keep",
        type=_parse_keep,
        metavar="10GB|7d",
        help="delete the oldest recordings and stills beyond this size or age (default: keep all)",
    )
    output.add_argument("--raw", action=switch, default=False, help="write bgr24 frames to stdout")
    output.add_argument("--mpegts", action=switch, default=False, help="write H.264 in MPEG-TS to stdout")
    output.add_argument(
        "--rtsp", type=_parse_rtsp, metavar="URL", help="send H.264 to this RTSP server, such as rtsp://HOST:8554/night"
    )
    output.add_argument(
        "--virtual-camera", metavar="DEVICE", help="be a webcam for other programs: /dev/video10, or auto for any free"
    )
    output.add_argument(
        "--screen", action=switch, default=False, help="show the frames on the console's screen (/dev/fb0)"
    )
    return parser


def _build_config_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--config", type=Path, metavar="FILE.toml", help="read options from this file; SIGHUP reads it again"
    )
    return parser


def _load_toml(text: str, path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError as error:
            raise OptionsError(
                f"{path}: Python 3.10 needs tomli to read TOML; run: pip install 'edge-dce[pi]'"
            ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionsError(f"{path}: expected TOML, found something else ({error})") from error


def _to_options(arguments: argparse.Namespace) -> LiveOptions:
    values = vars(arguments)
    http = parse_address(values.pop("http"))
    token = find_token(values.pop("token"), values.pop("token_file"))
    if http is not None and token is None and not is_loopback(http[0]):
        raise OptionsError(
            f"anybody who reaches {http[0] or 'this machine'}:{http[1]} could watch this camera; add --token, or use "
            "--http 127.0.0.1:8000"
        )
    if values["keep"] is not None and values["record"] is None and values["stills"] is None:
        raise OptionsError("--keep limits what --record and --stills write; add one of them")
    if values["raw"] and values["mpegts"]:
        raise OptionsError("--raw and --mpegts both write to stdout; choose one")
    look = Look(values.pop("strength"), values.pop("max_brightness"), values.pop("denoise"))
    return LiveOptions(look=look, http=http, token=token, every_s=values.pop("every"), **values)


def find_token(token: str | None, path: Path | None) -> str | None:
    """The secret that was given, or is in a file or $EDGE_DCE_PI_TOKEN; raises OptionsError for one that is none."""
    if token is None and path is not None:
        try:
            token = path.read_text(encoding="utf-8").partition("\n")[0].strip()
        except OSError as error:
            raise OptionsError(
                f"{path}: the token cannot be read ({error.strerror}); name a file whose first line is the token"
            ) from error
        except UnicodeDecodeError as error:
            raise OptionsError(f"{path}: expected a token of plain characters, found other bytes; {_MAKE}") from error
    if token is None:
        token = os.environ.get(TOKEN_VARIABLE)
    if token is not None and (
        len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable() or token != token.strip()
    ):
        raise OptionsError(
            f"expected a token of {_LEAST_TOKEN} or more plain characters, no spaces around them, found {len(token)}; "
            f"{_MAKE}"
        )
    return token


def parse_address(text: str) -> tuple[str, int] | None:
    """Host and port of "127.0.0.1:8000", ":8000" or "[::1]:8000"; None of "off".

    Raises:
        OptionsError: none of these.
    """
    if text == "off":
        return None
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise OptionsError(f"expected --http HOST:PORT such as 127.0.0.1:8000, found '{text}'")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdecimal())


def _parse_fps(text: str) -> float:
    value = parse_above_zero(text)
    if value > 1000:
        raise argparse.ArgumentTypeError(f"expected a number above 0 and up to 1000, found '{text}'")
    return value


def _parse_rtsp(text: str) -> Address:
    address = Address(text)
    if address.scheme not in ("rtsp", "rtsps") or address.host is None:
        raise argparse.ArgumentTypeError(
            f"expected an address such as rtsp://name:password@host:8554/night, found '{address}'"
        )
    return address


def _parse_quality(text: str) -> int:
    value = parse_positive(text)
    if value > 95:
        raise argparse.ArgumentTypeError(f"expected 1 to 95, found '{text}'")
    return value


def _parse_duration(text: str) -> float:
    units_s = {"s": 1, "m": 60, "h": 3600}
    number, unit_s = (text[:-1], units_s[text[-1]]) if text[-1:] in units_s else (text, 1)
    try:
        value_s = float(number) * unit_s
    except ValueError:
        value_s = 0.0
    if not 1 <= value_s <= 366 * 86400:
        raise argparse.ArgumentTypeError(f"expected a time of 1 s or more, such as 10s, 5m or 1h, found '{text}'")
    return value_s


def _parse_keep(text: str) -> Keep:
    found = _KEEP.fullmatch(text.strip())
    number, unit = (float(found[1]), found[2].lower()) if found else (0.0, "")
    if unit in _SIZES and number * _SIZES[unit] >= _SIZES["mb"]:
        return Keep(size_bytes=round(number * _SIZES[unit]))
    if unit in _AGES_S and number * _AGES_S[unit] >= 60:
        return Keep(age_s=number * _AGES_S[unit])
    raise argparse.ArgumentTypeError(f"expected a size or an age such as 500MB, 10GB, 12h or 7d, found '{text}'")
