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
from telpher.store.pruning import prune
from telpher.store.schema import people, strangers

_STRANGER_WAIT_MS = 3_600_000
_STRANGERS_REMEMBERED = 10_000
_LEAVING = "leaving"


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
    LET_IN = "let_in"
    """To invite people, and to change and remove them."""
    OPERATE = "operate"
    """To see how Telpher does, and to mend it."""


_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.MEMBER: frozenset(Right) - {Right.LET_IN, Right.OPERATE},
    Role.GUEST: frozenset({Right.SEND_FILES}),
    Role.STRANGER: frozenset(),
}


@dataclasses.dataclass(frozen=True)
class GuestFolder:
    """Where a guest's files go: a folder in one of an owner's drives."""

    owner_id: int
    drive: str
    folder_id: str
    name: str
    """What it was called when it was chosen."""


@dataclasses.dataclass(frozen=True)
class Person:
    """Somebody who is served, as the last message told of them."""

    id: int
    role: Role
    language_code: str
    first_name: str = ""
    folder: GuestFolder | None = None
    """A guest's; a guest without one can do nothing."""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def rights_of(role: Role) -> frozenset[Right]:
    """What somebody of this role may do."""
    return _RIGHTS[role]


class Access:
    """Roles and languages of people. A known person costs no read, a stranger who was answered lately costs nothing at all."""

    def __init__(self, store: Store, owner_ids: Iterable[int], now: Callable[[], dt.datetime] = _now) -> None:
        self._store = store
        self._owner_ids = tuple(dict.fromkeys(owner_ids))
        self._now = now
        self._people: dict[int, Person] = {}
        self._leaving: dict[int, Person] = {}
        self._last_spoke: dict[int, str] = {}
        """The languages of those who have left meanwhile: a receipt may have its last edit after that."""
        self._answered_ms: collections.OrderedDict[int, int] = collections.OrderedDict()
        self._listeners: list[Callable[[int], None]] = []

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """`listener` is called on the loop with everyone who is met for the first time, let in, changed or shut out. Returns at once."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Read everyone who is served; call it once, before the first update."""
        rows = await self._store.read(lambda connection: connection.execute(sa.select(people)).all())
        for row in rows:
            folder = None
            if row.folder_id is not None:
                folder = GuestFolder(row.folder_owner_id, row.folder_drive, row.folder_id, row.folder_name or "")
            role = Role.OWNER if row.id in self._owner_ids else Role.STRANGER
            if role is Role.STRANGER and row.role not in {None, _LEAVING}:
                role = Role(row.role)
            person = Person(row.id, role, row.language_code, row.first_name, folder)
            if row.role == _LEAVING and role is Role.STRANGER:
                self._leaving[row.id] = person
            elif role is not Role.STRANGER:
                self._people[row.id] = person

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

    def may(self, person_id: int, right: Right) -> bool:
        """Whether this person has `right`."""
        return right in _RIGHTS[self.role_of(person_id)]

    def language_of(self, person_id: int) -> str:
        """The language they last wrote in, also of one who is leaving or has left since the start; empty when they never did."""
        known = self._people.get(person_id) or self._leaving.get(person_id)
        return known.language_code if known else self._last_spoke.get(person_id, "")

    def folder_of(self, person_id: int) -> GuestFolder | None:
        """Where a guest's files go, also of one who is leaving; None for everybody else."""
        known = self._people.get(person_id) or self._leaving.get(person_id)
        return known.folder if known else None

    def find(self, person_id: int) -> Person | None:
        """Somebody who is served."""
        if person_id in self._owner_ids:
            return self._people.get(person_id, Person(person_id, Role.OWNER, ""))
        return self._people.get(person_id)

    def find_leaving(self, person_id: int) -> Person | None:
        """Somebody who was shown the door, while something of theirs has yet to end."""
        return self._leaving.get(person_id)

    def everyone(self) -> list[Person]:
        """All who are served: owners first, then the others by name."""
        others = [person for person in self._people.values() if person.id not in self._owner_ids]
        owners = [self._people.get(owner_id, Person(owner_id, Role.OWNER, "")) for owner_id in self._owner_ids]
        return [*owners, *sorted(others, key=lambda person: (person.first_name.casefold(), person.id))]

    @property
    def owner_ids(self) -> tuple[int, ...]:
        """As the settings name them."""
        return self._owner_ids

    @property
    def leaving(self) -> tuple[int, ...]:
        """Who is served no more, but still has jobs or tokens that have to end."""
        return tuple(self._leaving)

    async def meet(self, person_id: int, *, language_code: str, first_name: str) -> Person | None:
        """Note how a person presents themselves; None for a stranger, of whom nothing is kept."""
        role = self.role_of(person_id)
        if role is Role.STRANGER:
            return None
        known = self._people.get(person_id)
        person = Person(person_id, role, language_code, first_name, known.folder if known else None)
        if known != person:
            await self._store.write(lambda connection: self.put_in(connection, person))
            self._people[person_id] = person
            if known is None:
                self._tell(person_id)
        return person

    async def let_in(self, person_id: int, role: Role, folder: GuestFolder | None = None) -> None:
        """Serve this person from now on as a member or a guest, whose files go to `folder`."""
        known = self._people.get(person_id, Person(person_id, role, ""))
        person = dataclasses.replace(known, role=role, folder=folder if role is Role.GUEST else None)
        await self._store.write(lambda connection: self.put_in(connection, person))
        self.remember(person)

    def put_in(self, connection: Connection, person: Person) -> None:
        """Store a person, in a transaction of the caller's; `remember` them when it is committed.

        Raises ValueError for a role that no table can give.
        """
        if person.role is Role.STRANGER or (person.role is Role.OWNER) != (person.id in self._owner_ids):
            raise ValueError("owners stand in the settings")
        folder = person.folder
        values = {
            "role": None if person.role is Role.OWNER else person.role.value,
            "language_code": person.language_code,
            "first_name": person.first_name,
            "folder_owner_id": folder.owner_id if folder else None,
            "folder_drive": folder.drive if folder else None,
            "folder_id": folder.folder_id if folder else None,
            "folder_name": folder.name if folder else None,
        }
        if connection.execute(sa.update(people).where(people.c.id == person.id).values(values)).rowcount == 0:
            created_ms = int(self._now().timestamp() * 1000)
            connection.execute(sa.insert(people).values(id=person.id, created_ms=created_ms, **values))

    def remember(self, person: Person) -> None:
        """Serve somebody who has just been stored."""
        self._leaving.pop(person.id, None)
        self._last_spoke.pop(person.id, None)
        self._people[person.id] = person
        self._tell(person.id)

    async def shut_out(self, person_id: int) -> None:
        """From now on they are a stranger; they are `leaving` until `forget`, also across a restart. No effect on owners."""
        known = self._people.get(person_id)
        if known is None or person_id in self._owner_ids:
            return
        change = sa.update(people).where(people.c.id == person_id).values(role=_LEAVING)
        del self._people[person_id]
        self._leaving[person_id] = known
        try:
            await self._store.write(lambda connection: connection.execute(change))
        except BaseException:
            if self._leaving.pop(person_id, None) is not None:
                self._people[person_id] = known
            raise
        self._tell(person_id)

    async def forget(self, person_id: int) -> None:
        """Nothing is left of them: keep nothing of them either."""
        gone = sa.delete(people).where(people.c.id == person_id, people.c.role == _LEAVING)
        await self._store.write(lambda connection: connection.execute(gone))
        known = self._leaving.pop(person_id, None)
        if known is not None:
            self._last_spoke[person_id] = known.language_code

    def _tell(self, person_id: int) -> None:
        for listener in self._listeners:
            listener(person_id)

    def is_answered_stranger(self, person_id: int) -> bool:
        """Whether they are a stranger who was answered within the hour, as far as this process remembers: they get nothing more."""
        seen_ms = self._answered_ms.get(person_id)
        if seen_ms is None or self.is_served(person_id):
            return False
        return int(self._now().timestamp() * 1000) - seen_ms < _STRANGER_WAIT_MS

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

    async def prune(self) -> int:
        """Forget the strangers who may be answered again; how many."""
        return await prune(self._store, strangers, self._answered_long_ago(int(self._now().timestamp() * 1000)))

    @staticmethod
    def _answered_long_ago(now_ms: int) -> sa.ColumnElement[bool]:
        return strangers.c.answered_ms <= now_ms - _STRANGER_WAIT_MS

    @classmethod
    def _claim_answer(cls, connection: Connection, person_id: int, now_ms: int) -> int:
        connection.execute(sa.delete(strangers).where(cls._answered_long_ago(now_ms)))
        answered_ms = connection.execute(sa.select(strangers.c.answered_ms).where(strangers.c.id == person_id)).scalar()
        if answered_ms is None:
            connection.execute(sa.insert(strangers).values(id=person_id, answered_ms=now_ms))
            return now_ms
        return int(answered_ms)
