"""A drive whose calls are counted by how they ended. It is that drive in every other way."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from telpher.drives.port import Drive, EntryId
from telpher.errors import TelpherError

Told = Callable[[str, str], None]
"""Is given the operation and how it ended: `ok`, `cancelled`, or the error's text key without its first word."""


def observed(drive: Drive, tell: Told) -> Drive:
    """`drive`, with `tell` called after each operation, also of the upload sessions that it opens."""
    return cast("Drive", _Observed(drive, tell))


class _Observed:
    def __init__(self, observed_one: Any, tell: Told, prefix: str = "") -> None:
        self._one = observed_one
        self._tell = tell
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._one, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        @functools.wraps(attribute)
        async def counted(*args: Any, **kwargs: Any) -> Any:
            with self._counting(self._prefix + name):
                result = await attribute(*args, **kwargs)
            is_session = name in {"begin_upload", "resume_upload"}
            return _Observed(result, self._tell, "upload.") if is_session else result

        return counted

    @contextlib.asynccontextmanager
    async def read(self, entry_id: EntryId, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        with self._counting("read"):
            async with self._one.read(entry_id, offset) as chunks:
                yield chunks

    @contextlib.contextmanager
    def _counting(self, operation: str) -> Any:
        outcome = "error"
        try:
            yield
            outcome = "ok"
        except TelpherError as error:
            outcome = error.text_key.rpartition(".")[2]
            raise
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "cancelled"
            raise
        finally:
            self._tell(operation, outcome)
