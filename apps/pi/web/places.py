"""Who holds a connection: those who may watch have places of their own, and strangers make room for each other."""

from __future__ import annotations

import collections
import ipaddress
from collections.abc import Callable


class NoPlaceError(Exception):
    """All places for those who may watch are taken."""


class Visitor:
    """Whoever is at the other end of one connection.

    Attributes:
        address: the network that the connection comes from, as far as one person is likely to own it.
        is_known: whether the newest request was allowed to watch; a stranger until then.
    """

    def __init__(self, places: Places, address: str, send_away: Callable[[], object]) -> None:
        self.address = address
        self.is_known = False
        self.send_away = send_away
        self._places = places

    def admit(self) -> None:
        """Let him watch; raises NoPlaceError."""
        self._places.admit(self)

    def distrust(self) -> None:
        """Make a stranger of him again: he asked for something that he may not have."""
        self._places.distrust(self)


class Places:
    """Counts connections. A new stranger sends the oldest away, so that idle ones keep nobody from asking."""

    def __init__(self, *, most_known: int, most_strangers: int) -> None:
        self._most_known, self._most_strangers = most_known, most_strangers
        self._known: set[Visitor] = set()
        # In the order of their coming.
        self._strangers: dict[Visitor, None] = {}

    def enter(self, host: str, send_away: Callable[[], object]) -> Visitor:
        """A new stranger.

        Args:
            host: the address that the system tells.
            send_away: ends the connection.
        """
        visitor = Visitor(self, _find_network(host), send_away)
        self._add_stranger(visitor)
        return visitor

    def leave(self, visitor: Visitor) -> None:
        self._known.discard(visitor)
        self._strangers.pop(visitor, None)

    def admit(self, visitor: Visitor) -> None:
        """Raises NoPlaceError."""
        if visitor.is_known:
            return
        if len(self._known) >= self._most_known:
            raise NoPlaceError("too many connections")
        self._strangers.pop(visitor, None)
        self._known.add(visitor)
        visitor.is_known = True

    def distrust(self, visitor: Visitor) -> None:
        if visitor.is_known:
            self._known.discard(visitor)
            visitor.is_known = False
            self._add_stranger(visitor)

    def _add_stranger(self, visitor: Visitor) -> None:
        self._strangers[visitor] = None
        if len(self._strangers) > self._most_strangers:
            # Of the address with the most, so that a crowd from one place costs the others nothing.
            crowd = collections.Counter(stranger.address for stranger in self._strangers)
            crowded = max(crowd.values())
            oldest = next(stranger for stranger in self._strangers if crowd[stranger.address] == crowded)
            self._strangers.pop(oldest)
            oldest.send_away()


def _find_network(host: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one, in which one machine may have as many addresses as it likes."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    # As the system shows an IPv4 client where one socket is for both.
    return str(address.ipv4_mapped or ipaddress.IPv6Network((address, 64), strict=False))
