"""Hold files: for who wants to be asked each time, files wait for one answer; Telegram keeps their bytes meanwhile."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from telpher.access import Access, Right
from telpher.actions.destination import Destination
from telpher.actions.drive_choice import Drives
from telpher.actions.errands import Errand, ErrandId, ErrandKind, Errands
from telpher.actions.naming import FileKind
from telpher.actions.save_file import Incoming, SaveAccepted, SaveFile
from telpher.errors import StaleButtonError
from telpher.store import Store
from telpher.store.schema import errands, held_files

_TOGETHER_MS = 60_000


@dataclasses.dataclass(frozen=True)
class Held:
    """A question with the files that wait for its answer."""

    errand: Errand
    names: tuple[str, ...]
    """Of all files, the empty string for what has none."""


class HoldFiles:
    """Files that come within a minute wait for the same answer, so that an album asks once."""

    def __init__(
        self,
        *,
        access: Access,
        drives: Drives,
        errands: Errands,
        save_file: SaveFile,
        store: Store,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._access = access
        self._drives = drives
        self._errands = errands
        self._save_file = save_file
        self._store = store
        self._now_ms = now_ms

    async def hold(self, person_id: int, incoming: Incoming) -> Held:
        """Keep a file until it is told where to go. Raises AccessDeniedError, FileTooBigError, LoginRequiredError."""
        self._access.require(person_id, Right.SEND_FILES)
        self._save_file.check_size(incoming)
        drive = await self._drives.of(person_id)
        key = f"hold:{incoming.bot_id}:{incoming.chat_id}:{incoming.message_id}"
        open_errand = await self._store.read(lambda connection: self._joinable(connection, person_id, key, incoming))
        errand = (
            await self._errands.get(person_id, open_errand)
            if open_errand is not None
            else await self._errands.begin(key, person_id, ErrandKind.HOLD, drive=drive.name, chat_id=incoming.chat_id)
        )
        await self._store.write(lambda connection: self._put(connection, key, errand.id, incoming))
        return await self.held(errand)

    async def held(self, errand: Errand) -> Held:
        """The files that wait for this answer."""
        query = (
            sa.select(held_files.c.incoming)
            .where(held_files.c.errand_id == errand.id)
            .order_by(held_files.c.created_ms, held_files.c.key)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).scalars().all())
        return Held(errand, tuple(str(row["file_name"] or "") for row in rows))

    async def asked(self, errand_id: ErrandId, message_id: int) -> None:
        """Which message asks."""
        change = sa.update(errands).where(errands.c.id == errand_id).values(message_id=message_id)
        await self._store.write(lambda connection: connection.execute(change))

    async def release(
        self, person_id: int, errand: Errand, destination: Destination
    ) -> list[tuple[Incoming, SaveAccepted]]:
        """Accept all of them; `let_go` when that has been told. Raises StaleButtonError when nothing waits (any more).

        Done again by a replay, the jobs are the same.
        """
        query = (
            sa.select(held_files.c.incoming)
            .where(held_files.c.errand_id == errand.id)
            .order_by(held_files.c.created_ms, held_files.c.key)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).scalars().all())
        if not rows:
            raise StaleButtonError("nothing is held")
        released = []
        for row in rows:
            incoming = _incoming(row)
            released.append((incoming, await self._save_file.request(person_id, incoming, destination)))
        return released

    async def let_go(self, errand: Errand) -> None:
        """They wait no longer: they are on their way, or not wanted after all."""
        await self._errands.end(errand.id)

    def _joinable(self, connection: sa.Connection, person_id: int, key: str, incoming: Incoming) -> ErrandId | None:
        known = connection.execute(sa.select(held_files.c.errand_id).where(held_files.c.key == key)).scalar()
        if known is not None:
            return ErrandId(known)
        newest = sa.func.max(held_files.c.created_ms)
        query = (
            sa.select(errands.c.id)
            .join(held_files, held_files.c.errand_id == errands.c.id)
            .where(errands.c.person_id == person_id, errands.c.chat_id == incoming.chat_id)
            .group_by(errands.c.id)
            .having(newest > self._now_ms() - _TOGETHER_MS)
            .order_by(errands.c.id.desc())
            .limit(1)
        )
        found = connection.execute(query).scalar()
        return ErrandId(found) if found is not None else None

    def _put(self, connection: sa.Connection, key: str, errand_id: ErrandId, incoming: Incoming) -> None:
        if connection.execute(sa.select(held_files.c.key).where(held_files.c.key == key)).scalar() is None:
            connection.execute(
                sa.insert(held_files).values(
                    key=key, errand_id=errand_id, incoming=_payload(incoming), created_ms=self._now_ms()
                )
            )


def _payload(incoming: Incoming) -> dict[str, Any]:
    return {**dataclasses.asdict(incoming), "kind": incoming.kind.value, "sent_at": incoming.sent_at.isoformat()}


def _incoming(row: dict[str, Any]) -> Incoming:
    sent_at = dt.datetime.fromisoformat(row["sent_at"])
    return Incoming(**{**row, "kind": FileKind(row["kind"]), "sent_at": sent_at})
