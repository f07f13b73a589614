"""Throws out what nobody needs any more: at the start, and then once a day. In between it sleeps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from telpher.errors import DiskFullError, StoreError

_log = logging.getLogger(__name__)

_EVERY_S = 24 * 3600.0

Chore = Callable[[], Awaitable[int]]
"""Removes what is too old; how much that was."""


class Housekeeping:
    """Chores by the name of what they remove."""

    def __init__(self, chores: Mapping[str, Chore], *, every_s: float = _EVERY_S) -> None:
        self._chores = dict(chores)
        self._every_s = every_s

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.clean()
            await asyncio.sleep(self._every_s)

    async def clean(self) -> dict[str, int]:
        """Once, now: how much of what was removed. One chore's fault keeps none of the others."""
        removed: dict[str, int] = {}
        for name, chore in self._chores.items():
            try:
                removed[name] = await chore()
            except (StoreError, DiskFullError) as error:
                _log.warning("old %s are removed another day: %s", name, error)
            except Exception:  # noqa: BLE001 - tomorrow is another day
                _log.exception("old %s could not be removed", name)
        if told := ", ".join(f"{count} {name}" for name, count in removed.items() if count):
            _log.info("removed what was too old: %s", told)
        return removed
