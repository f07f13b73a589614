"""What a transfer needs from around it: a source of bytes, a place to keep its state, and someone to tell of its progress."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NewType, Protocol

from telpher.drives.port import EntryId

TransferId = NewType("TransferId", str)


class Source(Protocol):
    """Where bytes come from: a file in Telegram, for one. Made anew for each attempt from the transfer's stored `source_ref`."""

    @property
    def size_bytes(self) -> int | None:
        """Exact where known before the download starts."""

    @property
    def local_path(self) -> Path | None:
        """Set when the bytes lie on this machine already (`--local` Bot API server): read in place, no spool."""

    def open(self, offset: int) -> AbstractAsyncContextManager[tuple[int, AsyncIterator[bytes]]]:
        """Stream from `offset`; yields (the offset it really starts at, chunks). That is 0 when the server ignores Range.

        Raises SourceUnreachableError, SourceBusyError, SourceGoneError.
        """

    async def dispose(self) -> None:
        """After the verified upload: free what the source holds (the local server's file)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What is to be carried, fixed when it was accepted."""

    id: TransferId
    """Derived from bot, chat and message: the same message gives the same transfer."""
    person_id: int
    source_ref: str
    """What `SourceOpener` needs to open the source again after a restart (JSON)."""
    parent_id: EntryId | None
    """Folder in the drive; None for the drive's folder for new files."""
    name: str
    mime_type: str
    size_bytes: int | None
    modified_at: dt.datetime | None


class SourceOpener(Protocol):
    """Turns a stored `source_ref` into a live source. Implemented in `bot/`, handed in by `app.py`."""

    async def __call__(self, source_ref: str) -> Source: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is; only what is known is set."""

    done_bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: float | None = None
    seconds_left: float | None = None
    waiting_key: str | None = None
    """Text key of what it waits for (`waiting.disk`, `waiting.turn`, …), when it waits."""
    next_attempt_at: dt.datetime | None = None


class TellProgress(Protocol):
    """Called often; must return at once. Throttling is the listener's affair."""

    def __call__(self, progress: Progress) -> None: ...
