"""Addresses of streams on a network, which may hold passwords: what of one may be shown, and what it may lead to.

Only an address that a person names is opened. What comes from there may lead to other addresses, as a playlist does,
and never to a file of this machine.
"""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import urlsplit

# Scheme -> FFmpeg's protocols that such a stream may use; none of them opens a file, a pipe or a program.
_WEB = "crypto,data,http,httpproxy,https,tcp,tls"
_RTSP = "http,httpproxy,rtp,rtsp,rtsps,srtp,tcp,tls,udp"
_PROTOCOLS = {
    "http": _WEB,
    "https": _WEB,
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tcp,tls",
    "rtsp": _RTSP,
    "rtsps": _RTSP,
    "srt": "srt",
    "tcp": "tcp",
    "udp": "udp",
}
SCHEMES = tuple(_PROTOCOLS)
# One slash is a slip of the finger, and what follows it may still be a password.
_FORM = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/.*", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a stream is, as a person wrote it. Its text is for FFmpeg alone; messages and pages show `str(address)`."""

    text: str = dataclasses.field(repr=False)

    def __str__(self) -> str:
        """Scheme, host and port. Cameras have passwords before the host, in the path and behind the question mark."""
        return f"{self.scheme}://{self.host or '…'}"

    @property
    def scheme(self) -> str:
        """In lower case, such as "rtsp"."""
        return self.text.partition(":")[0].lower()

    @property
    def host(self) -> str | None:
        """Host and port; None where they cannot be told from a password."""
        try:
            parts = urlsplit(self.text)
            # Raises for what is no number.
            _ = parts.port
        except ValueError:
            return None
        is_clear = self.text.count("@") == parts.netloc.count("@")
        return (parts.netloc.rpartition("@")[2] or None) if is_clear else None

    @property
    def protocols(self) -> str | None:
        """For FFmpeg's option protocol_whitelist; None for a scheme that is not opened."""
        return _PROTOCOLS.get(self.scheme)


def is_address(text: str) -> bool:
    """Whether a person means an address, of any scheme."""
    return _FORM.fullmatch(text) is not None


def hide_password(text: str) -> str:
    """What a person wrote in place of an address or a file, without a name and password before an @."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]+:/+)?.*:.*@", lambda found: found[1] or "", text, flags=re.DOTALL)
