"""Each person's own drives: which there are, which one new files go to, and that nobody reaches another's.

A drive's name tells it apart from all others: `folder` and `google` are those of the settings, which are the first owner's;
`folder-1002` is a person's folder, `google-7` a connected account, `google-7:0AB…` a shared drive reached through it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
from typing import Protocol

import sqlalchemy as sa

from telpher.accounts.vault import HOUSE, AccountId, Vault
from telpher.actions.drive_choice import account_of
from telpher.drives.port import Drive
from telpher.errors import DriveDisconnectedError, NoDriveError
from telpher.store import Store
from telpher.store.schema import drive_choices, login_alarms, paused_accounts, sent_files, shared_drives

GOOGLE = "google"
FOLDER = "folder"


class LinkKind(enum.StrEnum):
    """What a person's drive is."""

    FOLDER = "folder"
    GOOGLE = "google"
    SHARED = "shared"


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinkedDrive:
    """One of a person's drives."""

    name: str
    kind: LinkKind
    title: str = ""
    """An e-mail address, or a shared drive's name; empty where nobody has told it yet."""
    holder_id: int
    """Whose account it is reached through."""
    scopes: tuple[str, ...] = ()
    since: dt.datetime | None = None
    is_for_team: bool = False

    @property
    def account(self) -> str:
        """What is paused together with it."""
        return account_of(self.name)


class OpensDrives(Protocol):
    """Opens drives by their names; built by the composition root."""

    async def open(self, name: str) -> Drive:
        """Raises LoginRequiredError, SettingsInvalidError."""

    async def renew(self, account: str) -> None:
        """Its person has logged in again."""

    def end(self, account: str) -> None:
        """Its person has disconnected it: whoever still uses it gets DriveDisconnectedError."""


@dataclasses.dataclass(frozen=True)
class House:
    """What the settings give to the first owner."""

    drive: str | None
    """`folder`, `google`, or None when there is no Google account yet."""
    owner_id: int
    has_folders: bool
    """Whether everybody else has a folder of their own."""


class PersonalDrives:
    """`telpher.actions.drive_choice.Drives`. Drives are opened at their first use and kept until `close`."""

    def __init__(self, store: Store, vault: Vault, house_vault: Vault, house: House, opener: OpensDrives) -> None:
        self._store = store
        self.vault = vault
        self.house_vault = house_vault
        self._house = house
        self._opener = opener
        self._opened: dict[str, Drive] = {}
        self._opening = asyncio.Lock()
        self._known: dict[int, tuple[LinkedDrive, ...]] = {}
        self._choices: dict[int, str] = {}

    async def of(self, person_id: int, name: str | None = None) -> Drive:
        """See the protocol. Raises NoDriveError, DriveDisconnectedError when the person has no drive of that name (any more)."""
        link = await self.chosen(person_id) if name is None else await self.find(person_id, name)
        if link is None:
            if name is None:
                raise NoDriveError("no drive is connected")
            raise DriveDisconnectedError("no such drive of theirs")
        if (drive := self._opened.get(link.name)) is not None:
            return drive
        async with self._opening:
            if link.name not in self._opened:
                self._opened[link.name] = await self._opener.open(link.name)
            return self._opened[link.name]

    async def list_for(self, person_id: int) -> tuple[LinkedDrive, ...]:
        """What the person may use: the settings' drive or their folder, their accounts, shared drives, what a team is offered."""
        if person_id not in self._known:
            self._known[person_id] = tuple(await self._look_up(person_id))
        return self._known[person_id]

    async def find(self, person_id: int, name: str) -> LinkedDrive | None:
        """The person's drive of that name."""
        return next((link for link in await self.list_for(person_id) if link.name == name), None)

    async def chosen(self, person_id: int) -> LinkedDrive | None:
        """Where new files go; None when the person has no drive."""
        links = await self.list_for(person_id)
        if person_id not in self._choices:
            query = sa.select(drive_choices.c.drive).where(drive_choices.c.person_id == person_id)
            known = await self._store.read(lambda connection: connection.execute(query).scalar())
            self._choices[person_id] = str(known or "")
        choice = self._choices[person_id]
        return next((link for link in links if link.name == choice), links[0] if links else None)

    async def choose(self, person_id: int, name: str) -> None:
        """New files go there from now on. Raises DriveDisconnectedError."""
        if await self.find(person_id, name) is None:
            raise DriveDisconnectedError("no such drive of theirs")

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(drive_choices).where(drive_choices.c.person_id == person_id))
            connection.execute(sa.insert(drive_choices).values(person_id=person_id, drive=name))

        await self._store.write(put)
        self._choices[person_id] = name

    def belongs_to_house(self, person_id: int, account: str) -> bool:
        """Whether it is the account of the settings, and the person the one whom that is given to."""
        return account == GOOGLE and person_id == self._house.owner_id

    async def account_named(self, person_id: int, subject: str) -> str | None:
        """The person's account that is this subject's."""
        links = await self.list_for(person_id)
        matching = (link.name for link in links if link.kind is LinkKind.GOOGLE and link.title == subject)
        return next(matching, None)

    async def holder_of(self, account: str) -> LinkedDrive | None:
        """The drive of an account, whoever's it is."""
        if account == GOOGLE:
            return await self.find(self._house.owner_id, GOOGLE)
        number = account.removeprefix(f"{GOOGLE}-")
        row = await self.vault.get(AccountId(int(number))) if number.isdigit() else None
        return await self.find(row.person_id, account) if row is not None else None

    async def renewed(self, account: str) -> None:
        """Its person has logged in again, or for the first time."""
        self._forget()
        await self._opener.renew(account)
        await self.drop_alarm(account)

    async def of_holder(self, name: str) -> Drive:
        """The drive of that name as whoever holds its account reaches it: for promises that outlive their person's access to it.

        Raises DriveDisconnectedError when nobody holds it any more.
        """
        link = await self.holder_of(account_of(name))
        if link is None:
            raise DriveDisconnectedError("nobody's drive any more")
        return await self.of(link.holder_id, name)

    async def untold_alarms(self) -> dict[str, str]:
        """The accounts whose jobs wait for a new log-in of which their person does not know yet: {account: the reason's text key}."""
        query = sa.select(paused_accounts.c.account, paused_accounts.c.error_key).where(
            paused_accounts.c.error_key.like("error.login%"),
            paused_accounts.c.account.not_in(sa.select(login_alarms.c.account)),
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {row.account: row.error_key for row in rows}

    async def told_alarms(self) -> dict[str, dt.datetime]:
        """The accounts whose person knows that they need a new log-in, and since when."""
        rows = await self._store.read(lambda connection: connection.execute(sa.select(login_alarms)).all())
        return {row.account: dt.datetime.fromtimestamp(row.told_ms / 1000, dt.UTC) for row in rows}

    async def note_alarm(self, account: str, told_at: dt.datetime) -> None:
        """The account's person knows, until they have logged in again."""
        now_ms = int(told_at.timestamp() * 1000)

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(login_alarms).where(login_alarms.c.account == account))
            connection.execute(sa.insert(login_alarms).values(account=account, told_ms=now_ms))

        await self._store.write(put)

    async def drop_alarm(self, account: str) -> None:
        """It may be told again."""
        change = sa.delete(login_alarms).where(login_alarms.c.account == account)
        await self._store.write(lambda connection: connection.execute(change))

    async def add_shared(self, person_id: int, account: str, drive_id: str, title: str) -> str:
        """Put a shared drive on the person's list; its name."""
        key = {"account": account, "drive_id": drive_id}

        def put(connection: sa.Connection) -> None:
            same = (shared_drives.c.account == account, shared_drives.c.drive_id == drive_id)
            if connection.execute(sa.update(shared_drives).where(*same).values(title=title)).rowcount == 0:
                now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
                facts = {"person_id": person_id, "title": title, "is_for_team": False, "created_ms": now_ms}
                connection.execute(sa.insert(shared_drives).values(**key, **facts))

        await self._store.write(put)
        self._forget()
        return f"{account}:{drive_id}"

    async def offer(self, name: str, *, is_for_team: bool) -> None:
        """Let everybody who is let in use a shared drive, or no longer."""
        change = sa.update(shared_drives).where(*_is_shared(name)).values(is_for_team=is_for_team)
        await self._store.write(lambda connection: connection.execute(change))
        self._forget()

    async def remove(self, link: LinkedDrive) -> None:
        """Take a drive, and what is reached through it, off its person's list and close it: it is used no longer."""
        if link.kind is LinkKind.SHARED:
            condition = sa.and_(*_is_shared(link.name))
            gone = [link.name]
        else:
            condition = shared_drives.c.account == link.account
            gone = [name for name in self._opened if account_of(name) == link.account]
            self._opener.end(link.account)
            number = link.account.removeprefix(f"{GOOGLE}-")
            if number.isdigit():
                await self.vault.remove(AccountId(int(number)))
        changes = [sa.delete(shared_drives).where(condition), *_forgetting(link)]
        await self._store.write(lambda connection: [connection.execute(change) for change in changes])
        self._forget()
        for name in gone:
            if (drive := self._opened.pop(name, None)) is not None:
                await drive.close()

    async def close(self) -> None:
        """Close what was opened."""
        while self._opened:
            _, drive = self._opened.popitem()
            await drive.close()

    def _forget(self) -> None:
        self._known.clear()

    async def _look_up(self, person_id: int) -> list[LinkedDrive]:
        found: list[LinkedDrive] = []
        is_owner = person_id == self._house.owner_id
        if is_owner and self._house.drive == GOOGLE:
            connected = await self.house_vault.list_for(HOUSE, GOOGLE)
            facts = connected[0] if connected else None
            found.append(
                LinkedDrive(
                    name=GOOGLE,
                    kind=LinkKind.GOOGLE,
                    title=facts.subject if facts else "",
                    holder_id=person_id,
                    scopes=facts.scopes if facts else (),
                    since=facts.created_at if facts else None,
                )
            )
        elif is_owner and self._house.drive == FOLDER:
            found.append(LinkedDrive(name=FOLDER, kind=LinkKind.FOLDER, holder_id=person_id))
        elif self._house.has_folders:
            found.append(LinkedDrive(name=f"{FOLDER}-{person_id}", kind=LinkKind.FOLDER, holder_id=person_id))
        found += [
            LinkedDrive(
                name=f"{GOOGLE}-{account.id}",
                kind=LinkKind.GOOGLE,
                title=account.subject,
                holder_id=person_id,
                scopes=account.scopes,
                since=account.created_at,
            )
            for account in reversed(await self.vault.list_for(person_id, GOOGLE))
        ]
        query = (
            sa.select(shared_drives)
            .where(sa.or_(shared_drives.c.person_id == person_id, shared_drives.c.is_for_team))
            .order_by(shared_drives.c.created_ms, shared_drives.c.drive_id)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        found += [
            LinkedDrive(
                name=f"{row.account}:{row.drive_id}",
                kind=LinkKind.SHARED,
                title=row.title,
                holder_id=row.person_id,
                since=dt.datetime.fromtimestamp(row.created_ms / 1000, dt.UTC),
                is_for_team=row.is_for_team,
            )
            for row in rows
        ]
        return found


def _forgetting(link: LinkedDrive) -> list[sa.Delete]:
    """What Telegram has of its files; and of a whole account also that it needed a log-in."""
    if link.kind is LinkKind.SHARED:
        return [sa.delete(sent_files).where(sent_files.c.drive == link.name)]
    is_of_account = sa.or_(
        sent_files.c.drive == link.account, sent_files.c.drive.startswith(f"{link.account}:", autoescape=True)
    )
    return [
        sa.delete(sent_files).where(is_of_account),
        sa.delete(login_alarms).where(login_alarms.c.account == link.account),
    ]


def _is_shared(name: str) -> tuple[sa.ColumnElement[bool], ...]:
    account, _, drive_id = name.partition(":")
    return shared_drives.c.account == account, shared_drives.c.drive_id == drive_id
