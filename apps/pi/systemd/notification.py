"""systemd's notification protocol (sd_notify(3)): one datagram per message."""

from __future__ import annotations

import contextlib
import os
import socket


def send(message: str) -> None:
    """Tell systemd, such as "READY=1"; nothing happens where it did not start us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for the zero byte of an abstract socket.
    target = "\0" + address[1:] if address.startswith("@") else address
    # systemd restarting itself is no reason for a camera to stop.
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
    ):
        channel.sendto(message.encode(), target)


def read_watchdog_s() -> float | None:
    """Seconds within which systemd wants to hear "WATCHDOG=1", or None if it does not ask."""
    interval_us = os.environ.get("WATCHDOG_USEC", "")
    is_for_us = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(interval_us) / 1e6 if is_for_us and interval_us.isdecimal() and int(interval_us) else None
