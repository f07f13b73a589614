"""The few threads that do the folder drive's disk work, and what is opened in them: closed whatever becomes of those who wait."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from telpher.drives.folder.cabinet import translated

_THREADS = 4

T = TypeVar("T")


class Closes(Protocol):
    """What must be closed. `close` may wait for what another thread does with it."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closes)


class DiskThreads:
    """Runs blocking functions off the event loop, their errors translated."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="telpher-folder-drive")

    def run(self, work: Callable[..., T], /, *arguments: Any) -> asyncio.Future[T]:
        """What `work` returns. Cancelled, it may go on in its thread; what it returns is dropped."""
        return asyncio.wrap_future(self._submit(work, *arguments))

    @contextlib.asynccontextmanager
    async def opened(self, work: Callable[..., C], /, *arguments: Any) -> AsyncIterator[C]:
        """What `work` opens, closed at the end; also when we are cancelled before it is open, or while it is being closed.

        A thread cannot be interrupted: what it opens after we have gone is closed there.
        """
        opening = self._submit(work, *arguments)
        try:
            found = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unwanted)
            raise
        try:
            yield found
        finally:
            await asyncio.shield(self.run(found.close))

    async def stop(self) -> None:
        """Wait for what is under way."""
        await asyncio.to_thread(self._pool.shutdown)

    def _submit(self, work: Callable[..., T], /, *arguments: Any) -> Future[T]:
        return self._pool.submit(functools.partial(_call, work, *arguments))


def _close_unwanted(opening: Future[C]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _call(work: Callable[..., T], *arguments: Any) -> T:
    with translated():
        return work(*arguments)
