"""Links that let one person in, once, until they end. Of a code nothing is kept but its hash: who reads the database cannot use it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, NewType

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.access.roles import Access, GuestFolder, Person, Role
from telpher.settings import Secret
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import invitations

InvitationId = NewType("InvitationId", int)

LASTS = dt.timedelta(days=3)
_CODE_BYTES = 24  # 32 characters; a start parameter may have 64: https://core.telegram.org/bots/features#deep-linking
_CODE_SHAPE = re.compile(r"[A-Za-z0-9_-]{32}")
_KEPT_MS = 30 * 24 * 3600 * 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Invitation:
    """What a code lets somebody be, and until when."""

    id: InvitationId
    role: Role
    made_by: int
    folder: GuestFolder | None
    ends_at: dt.datetime


@dataclasses.dataclass(frozen=True)
class Entered:
    """Somebody came in by an invitation. `is_untold`: the owner who made it does not know yet."""

    person: Person
    invitation: Invitation
    is_untold: bool


class Invitations:
    """The table `invitations`."""

    def __init__(
        self, store: Store, access: Access, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._store = store
        self._access = access
        self._now_ms = now_ms

    async def make(
        self, key: str, *, role: Role, made_by: int, folder: GuestFolder | None = None
    ) -> tuple[Invitation, Secret]:
        """An invitation and its code. The same `key` again (a replay) gives the same invitation a new code, unless it is used."""
        code = Secret(secrets.token_urlsafe(_CODE_BYTES))
        values = {
            "code_hash": _hash(code),
            "role": role.value,
            "made_by": made_by,
            "folder_drive": folder.drive if folder else None,
            "folder_id": folder.folder_id if folder else None,
            "folder_name": folder.name if folder else None,
            "ends_ms": self._now_ms() + int(LASTS.total_seconds() * 1000),
        }

        def put(connection: Connection) -> Invitation:
            open_one = (invitations.c.key == key, invitations.c.used_by.is_(None))
            connection.execute(sa.delete(invitations).where(*open_one))
            used = connection.scalar(sa.select(invitations.c.id).where(invitations.c.key == key))
            own_key = key if used is None else f"{key}:{code[:8]}"
            row = connection.execute(sa.insert(invitations).values(values | {"key": own_key}).returning(invitations))
            return _invitation(row.one())

        return await self._store.write(put), code

    async def accept(self, code: str, *, person_id: int, language_code: str, first_name: str) -> Entered | None:
        """Let a stranger in, in one commit with using the code up. None for a code that is unknown, used or over."""
        if not _CODE_SHAPE.fullmatch(code):
            return None
        now_ms = self._now_ms()

        def enter(connection: Connection) -> Entered | None:
            row = connection.execute(
                sa.update(invitations)
                .where(
                    invitations.c.code_hash == _hash(code),
                    invitations.c.used_by.is_(None),
                    invitations.c.ends_ms > now_ms,
                )
                .values(used_by=person_id)
                .returning(invitations)
            ).one_or_none()
            if row is None:
                return None
            invitation = _invitation(row)
            person = Person(person_id, invitation.role, language_code, first_name, invitation.folder)
            self._access.put_in(connection, person)
            return Entered(person, invitation, is_untold=True)

        entered = await self._store.write(enter)
        if entered is not None:
            self._access.remember(entered.person)
        return entered

    async def entered_by(self, code: str, person: Person) -> Entered | None:
        """How this person, who is served, came in by this very code; None when they did not."""
        if not _CODE_SHAPE.fullmatch(code):
            return None
        query = sa.select(invitations).where(invitations.c.code_hash == _hash(code), invitations.c.used_by == person.id)
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Entered(person, _invitation(row), is_untold=row.told_ms is None)

    async def set_told(self, invitation_id: InvitationId) -> None:
        """The owner knows who came."""
        change = sa.update(invitations).where(invitations.c.id == invitation_id).values(told_ms=self._now_ms())
        await self._store.write(lambda connection: connection.execute(change))

    async def withdraw(self, invitation_id: int) -> bool:
        """Nobody can use it any more; False when somebody has, or it is gone already."""
        gone = sa.delete(invitations).where(invitations.c.id == invitation_id, invitations.c.used_by.is_(None))
        return await self._store.write(lambda connection: connection.execute(gone).rowcount > 0)

    async def open_ones(self) -> list[Invitation]:
        """Those that still let somebody in, oldest first."""
        query = (
            sa.select(invitations)
            .where(invitations.c.used_by.is_(None), invitations.c.ends_ms > self._now_ms())
            .order_by(invitations.c.id)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [_invitation(row) for row in rows]

    async def prune(self) -> int:
        """Remove those that ended a month ago; how many."""
        return await prune(self._store, invitations, invitations.c.ends_ms < self._now_ms() - _KEPT_MS)


def _hash(code: str) -> str:
    # No salt and no stretching: a code is 192 random bits, which nobody can try out.
    return hashlib.sha256(code.encode()).hexdigest()


def _invitation(row: sa.Row[Any]) -> Invitation:
    folder = None
    if row.folder_id is not None:
        folder = GuestFolder(row.made_by, row.folder_drive, row.folder_id, row.folder_name or "")
    return Invitation(
        id=InvitationId(row.id),
        role=Role(row.role),
        made_by=row.made_by,
        folder=folder,
        ends_at=dt.datetime.fromtimestamp(row.ends_ms / 1000, dt.UTC),
    )
