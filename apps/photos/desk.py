"""One after the other, and few in the line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

Result = TypeVar("Result")


class CrowdedError(Exception):
    """As many wait as may."""


class Desk:
    """Lets in as many as it has places for, and works for one of them at a time."""

    def __init__(self, *, most_waiting: int) -> None:
        self._places = most_waiting + 1
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def take_place(self) -> AsyncIterator[None]:
        """For as long as somebody brings a picture, waits and is worked for; raises CrowdedError."""
        if not self._places:
            raise CrowdedError
        self._places -= 1
        try:
            yield
        finally:
            self._places += 1

    async def work(self, task: Callable[[], Result]) -> Result:
        """Do it on another thread when its turn has come."""
        async with self._turn:
            return await asyncio.to_thread(task)
