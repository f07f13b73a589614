"""What waits for a thread of the store: a function, and the coroutine that waits for its result."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Connection


class Call:
    """One function that waits for its turn on a thread, and the coroutine that waits for its result."""

    __slots__ = ("_error", "_future", "_loop", "_result", "work")

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[Any] = self._loop.create_future()
        self._result: Any = None
        self._error: BaseException | None = None

    async def wait(self) -> Any:
        return await self._future

    def succeed(self, result: Any) -> None:
        self._result = result

    def fail(self, error: BaseException) -> None:
        """The first failure is the one that the caller learns."""
        if self._error is None:
            # A coroutine cannot be made to raise StopIteration: https://peps.python.org/pep-0479/
            self._error = RuntimeError("StopIteration was raised") if isinstance(error, StopIteration) else error

    def tell(self) -> None:
        """Wake the caller. One that is gone, with its loop or without, is no error: the work was done all the same."""
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _settle(self) -> None:
        if self._future.done():
            return
        if self._error is None:
            self._future.set_result(self._result)
        else:
            self._future.set_exception(self._error)


Lane = queue.SimpleQueue[Call | None]
"""What waits for one thread; None ends it."""
