"""The one place that spawns background tasks: every task is held, named, and its failure is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Nursery:
    """Holds background tasks until they end, and ends them when it closes.

    Unlike `asyncio.TaskGroup` one task's failure does not cancel the others: a failed task is logged with its traceback, and the
    rest go on. Leaving the `async with` block cancels what still runs and waits for it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start `coroutine` in the background; the nursery keeps it from being collected and logs its failure.

        Raises RuntimeError when the nursery is closed (the coroutine is closed too, so that it does not warn).
        """
        if self._is_closed:
            coroutine.close()
            raise RuntimeError(f"nursery {self._name} is closed")
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self._name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    async def drain(self, timeout_s: float) -> bool:
        """Wait for the running tasks to end by themselves; False when some still run after `timeout_s`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        return not self._tasks

    async def close(self) -> None:
        """Cancel what still runs and wait until it has ended."""
        self._is_closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("task %s failed", task.get_name(), exc_info=error)
