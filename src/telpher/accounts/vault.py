"""Keeps what drives granted, encrypted: who is connected to what, and the secret that speaks for them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NewType

import sqlalchemy as sa

from telpher.errors import LoginRequiredError
from telpher.settings import Secret
from telpher.store import Store
from telpher.store.schema import accounts, logins

if TYPE_CHECKING:
    # Loaded only where there is something to keep.
    from cryptography.fernet import MultiFernet

AccountId = NewType("AccountId", int)

HOUSE = 0
"""The person id of the bot's own account, which everybody who is let in uses."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """A connected account. Its secret is asked for apart (`Vault.secret`), so that none lies around."""

    id: AccountId
    person_id: int
    drive: str
    subject: str
    """Whose it is, as the drive calls them: an e-mail address."""
    scopes: tuple[str, ...]
    created_at: dt.datetime
    logged_in_at: dt.datetime
    """When the person last granted it."""


class Vault:
    """The accounts of one database. Keys that are given as a function are opened at the first use."""

    def __init__(self, store: Store, keys: MultiFernet | Callable[[], MultiFernet]) -> None:
        self._store = store
        self._opens_keys = keys if callable(keys) else None
        self._keys = None if callable(keys) else keys

    async def ready(self) -> None:
        """Open the keys; `sealed` and `opened` need that. Raises SettingsInvalidError."""
        if self._keys is None:
            assert self._opens_keys is not None
            self._keys = await asyncio.to_thread(self._opens_keys)

    async def put(self, *, person_id: int, drive: str, subject: str, scopes: tuple[str, ...], secret: str) -> Account:
        """Connect an account, or connect it again with a new secret."""
        await self.ready()
        now_ms = time.time_ns() // 1_000_000
        values = {"scopes": " ".join(scopes), "secret": self.sealed(secret), "changed_ms": now_ms}
        same = (accounts.c.person_id == person_id, accounts.c.drive == drive, accounts.c.subject == subject)

        def put(connection: sa.Connection) -> sa.Row[tuple[object, ...]]:
            if connection.execute(sa.update(accounts).where(*same).values(values)).rowcount == 0:
                new = {"person_id": person_id, "drive": drive, "subject": subject, "created_ms": now_ms}
                connection.execute(sa.insert(accounts).values(values | new))
            return connection.execute(sa.select(accounts).where(*same)).one()

        return _account(await self._store.write(put))

    async def list_for(self, person_id: int, drive: str | None = None) -> list[Account]:
        """What a person has connected, the latest (or latest renewed by a log-in) first."""
        query = sa.select(accounts).where(accounts.c.person_id == person_id).order_by(accounts.c.changed_ms.desc())
        if drive is not None:
            query = query.where(accounts.c.drive == drive)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [_account(row) for row in rows]

    async def get(self, account_id: AccountId) -> Account | None:
        """One account, or None when it is not connected any more."""
        query = sa.select(accounts).where(accounts.c.id == account_id)
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        return _account(row) if row is not None else None

    async def count_of(self, drive: str, subject: str) -> int:
        """How many people have connected this very account."""
        query = sa.select(sa.func.count()).where(accounts.c.drive == drive, accounts.c.subject == subject)
        return await self._store.read(lambda connection: int(connection.execute(query).scalar_one()))

    async def secret(self, account_id: AccountId) -> Secret:
        """What speaks for the account. Raises LoginRequiredError when it is gone, or its key is."""
        query = sa.select(accounts.c.secret).where(accounts.c.id == account_id)
        encrypted = await self._store.read(lambda connection: connection.execute(query).scalar())
        if encrypted is None:
            raise LoginRequiredError("this account is not connected any more")
        await self.ready()
        return self.opened(encrypted)

    async def replace_secret(self, account_id: AccountId, secret: str) -> None:
        """Keep a renewed secret. Nothing happens when the account was disconnected meanwhile."""
        await self.ready()
        change = sa.update(accounts).where(accounts.c.id == account_id).values(secret=self.sealed(secret))
        await self._store.write(lambda connection: connection.execute(change))

    async def remove(self, account_id: AccountId) -> None:
        """Disconnect; no error if it is gone already."""
        await self._store.write(
            lambda connection: connection.execute(sa.delete(accounts).where(accounts.c.id == account_id))
        )

    async def rotate(self) -> int:
        """Encrypt everything with the first key; how many secrets that were. Those of a lost key stay as they are."""

        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as above

        await self.ready()
        keys = self._keys
        assert keys is not None

        def rotate(connection: sa.Connection) -> int:
            count = 0
            for account_id, encrypted in connection.execute(sa.select(accounts.c.id, accounts.c.secret)).all():
                try:
                    renewed = keys.rotate(encrypted.encode()).decode()
                except InvalidToken:
                    continue
                connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(secret=renewed))
                count += 1
            # A log-in that is under way is begun again.
            connection.execute(sa.delete(logins))
            return count

        return await self._store.write(rotate)

    def sealed(self, secret: str) -> str:
        """`secret` as it may be stored."""
        assert self._keys is not None
        return self._keys.encrypt(secret.encode()).decode()

    def opened(self, sealed: str) -> Secret:
        """What was sealed. Raises LoginRequiredError when its key is gone."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as above

        assert self._keys is not None
        with contextlib.suppress(InvalidToken):
            return Secret(self._keys.decrypt(sealed.encode()).decode())
        raise LoginRequiredError("the key that this log-in was stored with is gone")


def _account(row: sa.Row[tuple[object, ...]]) -> Account:
    return Account(
        id=AccountId(row.id),
        person_id=row.person_id,
        drive=row.drive,
        subject=row.subject,
        scopes=tuple(row.scopes.split()),
        created_at=dt.datetime.fromtimestamp(row.created_ms / 1000, dt.UTC),
        logged_in_at=dt.datetime.fromtimestamp(row.changed_ms / 1000, dt.UTC),
    )
