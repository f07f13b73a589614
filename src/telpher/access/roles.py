"""May this person do this? Owners stand in the settings, members and guests in the table `people`; all others are strangers."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
from collections.abc import Callable, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.errors import AccessDeniedError
from telpher.store import Store
from telpher.store.schema import people, strangers

_STRANGER_WAIT_MS = 3_600_000
_STRANGERS_REMEMBERED = 10_000


class Role(enum.StrEnum):
    """What somebody is to this bot, from everything to nothing."""

    OWNER = "owner"
    MEMBER = "member"
    GUEST = "guest"
    STRANGER = "stranger"


class Right(enum.Enum):
    """What an action asks for."""

    SEND_FILES = "send_files"
    USE_DRIVE = "use_drive"
    COMPUTE = "compute"


_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.MEMBER: frozenset(Right),
    Role.GUEST: frozenset({Right.SEND_FILES}),
    Role.STRANGER: frozenset(),
}


@dataclasses.dataclass(frozen=True)
class Person:
    """Somebody who is served, as the last message told of them."""

    id: int
    role: Role
    language_code: str
    first_name: str = ""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Access:
    """Roles and languages of people. A known person costs no read, a stranger who was answered lately costs nothing at all."""

    def __init__(self, store: Store, owner_ids: Iterable[int], now: Callable[[], dt.datetime] = _now) -> None:
        self._store = store
        self._owner_ids = frozenset(owner_ids)
        self._now = now
        self._people: dict[int, Person] = {}
        self._answered_ms: collections.OrderedDict[int, int] = collections.OrderedDict()

    async def load(self) -> None:
        """Read everyone who is served; call it once, before the first update."""
        rows = await self._store.read(lambda connection: connection.execute(sa.select(people)).all())
        for row in rows:
            role = Role.OWNER if row.id in self._owner_ids else Role(row.role or Role.STRANGER)
            if role is not Role.STRANGER:
                self._people[row.id] = Person(row.id, role, row.language_code, row.first_name)

    def role_of(self, person_id: int) -> Role:
        """Owner, member, guest or stranger."""
        if person_id in self._owner_ids:
            return Role.OWNER
        known = self._people.get(person_id)
        return known.role if known else Role.STRANGER

    def is_served(self, person_id: int) -> bool:
        """Whether they are more than a stranger."""
        return self.role_of(person_id) is not Role.STRANGER

    def require(self, person_id: int, right: Right) -> None:
        """Raise AccessDeniedError unless this person has `right`."""
        if right not in _RIGHTS[self.role_of(person_id)]:
            raise AccessDeniedError(f"{person_id} may not {right.value}")

    def language_of(self, person_id: int) -> str:
        """The language they last wrote in; empty when they never did."""
        known = self._people.get(person_id)
        return known.language_code if known else ""

    async def meet(self, person_id: int, *, language_code: str, first_name: str) -> Person | None:
        """Note how a person presents themselves; None for a stranger, of whom nothing is kept."""
        role = self.role_of(person_id)
        if role is Role.STRANGER:
            return None
        person = Person(person_id, role, language_code, first_name)
        if self._people.get(person_id) != person:
            await self._store.write(lambda connection: self._put(connection, person))
            self._people[person_id] = person
        return person

    async def let_in(self, person_id: int, role: Role) -> None:
        """Serve this person from now on as a member or a guest."""
        if role not in {Role.MEMBER, Role.GUEST}:
            raise ValueError("owners stand in the settings")
        person = dataclasses.replace(self._people.get(person_id, Person(person_id, role, "")), role=role)
        await self._store.write(lambda connection: self._put(connection, person))
        self._people[person_id] = person

    async def shall_answer_stranger(self, person_id: int) -> bool:
        """True at most once an hour for each stranger, also across restarts."""
        now_ms = int(self._now().timestamp() * 1000)
        seen_ms = self._answered_ms.get(person_id)
        if seen_ms is not None and now_ms - seen_ms < _STRANGER_WAIT_MS:
            return False
        answered_ms = await self._store.write(lambda connection: self._claim_answer(connection, person_id, now_ms))
        self._answered_ms[person_id] = answered_ms
        self._answered_ms.move_to_end(person_id)
        if len(self._answered_ms) > _STRANGERS_REMEMBERED:
            self._answered_ms.popitem(last=False)
        return answered_ms == now_ms

    def _put(self, connection: Connection, person: Person) -> None:
        values = {
            "role": None if person.role is Role.OWNER else person.role.value,
            "language_code": person.language_code,
            "first_name": person.first_name,
        }
        if connection.execute(sa.update(people).where(people.c.id == person.id).values(values)).rowcount == 0:
            created_ms = int(self._now().timestamp() * 1000)
            connection.execute(sa.insert(people).values(id=person.id, created_ms=created_ms, **values))

    @staticmethod
    def _claim_answer(connection: Connection, person_id: int, now_ms: int) -> int:
        connection.execute(sa.delete(strangers).where(strangers.c.answered_ms <= now_ms - _STRANGER_WAIT_MS))
        answered_ms = connection.execute(sa.select(strangers.c.answered_ms).where(strangers.c.id == person_id)).scalar()
        if answered_ms is None:
            connection.execute(sa.insert(strangers).values(id=person_id, answered_ms=now_ms))
            return now_ms
        return int(answered_ms)
