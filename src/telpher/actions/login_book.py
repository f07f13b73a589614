"""The log-ins that are under way: the table `logins`. Its secrets come here sealed."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import sqlalchemy as sa

from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import logins

_PAGES_KEPT_MS = 24 * 3600 * 1000
_GRANTS_KEPT_MS = 30 * _PAGES_KEPT_MS
_BROWSER = "browser:"
_GRANT = "grant:"
"""A grant that a job was given and has not stored yet."""


@dataclasses.dataclass(frozen=True)
class LoginUnderWay:
    """Whose it is, the message that shows it, and the account that it is to renew, if any."""

    person_id: int
    chat_id: int
    message_id: int
    sealed: str
    renews: str
    created_at_s: float = dataclasses.field(default_factory=time.time)


class LoginBook:
    """One log-in in the browser a person: a new one takes the place of the one before."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, state_hash: str, login: LoginUnderWay) -> None:
        """Expect the page of `state_hash`."""

        def put(connection: sa.Connection) -> None:
            connection.execute(_mine(login.person_id))
            _insert(connection, _BROWSER + state_hash, login)

        await self._store.write(put)

    async def take(self, state_hash: str, person_id: int | None) -> LoginUnderWay | None:
        """The log-in of that page, and no more from now on; None when there is none, or it is not this person's."""

        def take(connection: sa.Connection) -> LoginUnderWay | None:
            row = connection.execute(_find(_BROWSER + state_hash)).one_or_none()
            if row is None or person_id not in {None, row.person_id}:
                return None
            connection.execute(sa.delete(logins).where(logins.c.state_hash == row.state_hash))
            return _under_way(row)

        return await self._store.write(take)

    async def find(self, state_hash: str) -> LoginUnderWay | None:
        """The log-in of that page, while it is expected."""
        row = await self._store.read(lambda connection: connection.execute(_find(_BROWSER + state_hash)).one_or_none())
        return None if row is None else _under_way(row)

    async def forget(self, person_id: int) -> list[LoginUnderWay]:
        """Expect no page for this person; what was expected until now."""
        gone = _mine(person_id).returning(logins)
        return await self._store.write(lambda connection: [_under_way(row) for row in connection.execute(gone)])

    async def prune(self) -> int:
        """Remove what nobody can finish any more: pages of yesterday, and grants whose job is forgotten; how many."""
        is_page = logins.c.state_hash.startswith(_BROWSER)
        now_ms = int(time.time() * 1000)
        is_old = sa.or_(
            sa.and_(is_page, logins.c.created_ms < now_ms - _PAGES_KEPT_MS),
            logins.c.created_ms < now_ms - _GRANTS_KEPT_MS,
        )
        return await prune(self._store, logins, is_old)

    async def keep_grant(self, job_id: int, login: LoginUnderWay) -> None:
        """Keep what a job was given until it has stored it."""
        await self._store.write(lambda connection: _insert(connection, f"{_GRANT}{job_id}", login))

    async def grant_of(self, job_id: int) -> str | None:
        """What was kept, sealed."""
        row = await self._store.read(lambda connection: connection.execute(_find(f"{_GRANT}{job_id}")).one_or_none())
        return str(row.secret) if row is not None else None

    async def drop_grant(self, job_id: int) -> None:
        """It is stored, or not wanted any more."""
        change = sa.delete(logins).where(logins.c.state_hash == f"{_GRANT}{job_id}")
        await self._store.write(lambda connection: connection.execute(change))


def _find(key: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(logins).where(logins.c.state_hash == key)


def _mine(person_id: int) -> sa.Delete:
    return sa.delete(logins).where(logins.c.person_id == person_id, logins.c.state_hash.startswith(_BROWSER))


def _under_way(row: Any) -> LoginUnderWay:
    return LoginUnderWay(row.person_id, row.chat_id, row.message_id, row.secret, row.renews, row.created_ms / 1000)


def _insert(connection: sa.Connection, key: str, login: LoginUnderWay) -> None:
    connection.execute(sa.delete(logins).where(logins.c.state_hash == key))
    connection.execute(
        sa.insert(logins).values(
            state_hash=key,
            person_id=login.person_id,
            chat_id=login.chat_id,
            message_id=login.message_id,
            secret=login.sealed,
            renews=login.renews,
            created_ms=int(login.created_at_s * 1000),
        )
    )
