"""Short tokens that stand for an entry in a button, and mean it only to the person whom the button was shown to."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Iterable
from typing import NewType

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.drives.port import EntryId
from telpher.errors import StaleButtonError
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import entry_refs

EntryToken = NewType("EntryToken", str)

_DAY_MS = 24 * 3600 * 1000
_KEPT_MS = 180 * _DAY_MS
_NOTED_ANEW_MS = 30 * _DAY_MS
"""What is shown again and again is noted no more often: a look at a folder writes nothing."""
_TOKEN_BYTES = 9  # 12 characters: 2^72 is beyond guessing, and short enough for two of them in one button


@dataclasses.dataclass(frozen=True)
class EntryRef:
    """An entry of one of a person's drives."""

    drive: str
    entry_id: EntryId


class EntryRefs:
    """Gives out tokens and redeems them. The same entry has the same token each time, so old buttons keep working."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tokens_for(self, person_id: int, drive: str, entry_ids: Iterable[EntryId]) -> dict[EntryId, EntryToken]:
        """A token for each entry, made where there was none."""
        wanted = list(dict.fromkeys(entry_ids))
        if not wanted:
            return {}
        fresh_ms = time.time_ns() // 1_000_000 - _NOTED_ANEW_MS
        known = await self._store.read(lambda connection: self._find(connection, person_id, drive, wanted))
        if len(known) == len(wanted) and all(shown_ms >= fresh_ms for _, shown_ms in known.values()):
            return {entry_id: token for entry_id, (token, _) in known.items()}
        return await self._store.write(lambda connection: self._make(connection, person_id, drive, wanted))

    async def token_for(self, person_id: int, drive: str, entry_id: EntryId) -> EntryToken:
        """A token for one entry."""
        return (await self.tokens_for(person_id, drive, [entry_id]))[entry_id]

    async def redeem(self, person_id: int, token: str) -> EntryRef:
        """What the token means to this person. Raises StaleButtonError when it means nothing to them, whoever else's it is."""
        where = (entry_refs.c.token == token, entry_refs.c.person_id == person_id)
        row = await self._store.read(
            lambda connection: connection.execute(sa.select(entry_refs).where(*where)).one_or_none()
        )
        if row is None:
            raise StaleButtonError("no such token for this person")
        return EntryRef(row.drive, EntryId(row.entry_id))

    async def forget(self, person_id: int) -> None:
        """None of this person's tokens means anything any more."""
        gone = sa.delete(entry_refs).where(entry_refs.c.person_id == person_id)
        await self._store.write(lambda connection: connection.execute(gone))

    async def prune(self) -> int:
        """Remove tokens that no button has shown for half a year (such a button says so when pressed); how many."""
        return await prune(self._store, entry_refs, entry_refs.c.shown_ms < time.time_ns() // 1_000_000 - _KEPT_MS)

    @staticmethod
    def _find(
        connection: Connection, person_id: int, drive: str, entry_ids: list[EntryId]
    ) -> dict[EntryId, tuple[EntryToken, int]]:
        rows = connection.execute(
            sa.select(entry_refs.c.entry_id, entry_refs.c.token, entry_refs.c.shown_ms).where(
                entry_refs.c.person_id == person_id, entry_refs.c.drive == drive, entry_refs.c.entry_id.in_(entry_ids)
            )
        )
        return {EntryId(row.entry_id): (EntryToken(row.token), row.shown_ms) for row in rows}

    @classmethod
    def _make(
        cls, connection: Connection, person_id: int, drive: str, entry_ids: list[EntryId]
    ) -> dict[EntryId, EntryToken]:
        known = cls._find(connection, person_id, drive, entry_ids)
        tokens = {entry_id: token for entry_id, (token, _) in known.items()}
        now_ms = time.time_ns() // 1_000_000
        stale = [token for token, shown_ms in known.values() if shown_ms < now_ms - _NOTED_ANEW_MS]
        if stale:
            connection.execute(sa.update(entry_refs).where(entry_refs.c.token.in_(stale)).values(shown_ms=now_ms))
        for entry_id in entry_ids:
            if entry_id not in tokens:
                tokens[entry_id] = EntryToken(secrets.token_urlsafe(_TOKEN_BYTES))
                connection.execute(
                    sa.insert(entry_refs).values(
                        token=tokens[entry_id],
                        person_id=person_id,
                        drive=drive,
                        entry_id=entry_id,
                        shown_ms=now_ms,
                    )
                )
        return tokens
