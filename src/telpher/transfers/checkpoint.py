"""What of a transfer survives a restart, committed as it becomes true."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.drives.port import Checksum, Entry, EntryId, UploadSpec
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import transfers
from telpher.transfers import content_index
from telpher.transfers.port import TransferId, TransferRequest

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FORGET_AFTER_MS = 30 * 86_400_000


# Built once: to put a statement together costs SQLAlchemy more than to run it.
_FIND = sa.select(transfers).where(transfers.c.id == sa.bindparam("this_id"))
_INSERT = sa.insert(transfers)
_UPDATE = (
    sa.update(transfers)
    .where(transfers.c.id == sa.bindparam("this_id"))
    .values(
        {
            column.name: sa.bindparam(f"new_{column.name}", type_=column.type)
            for column in transfers.c
            if column.name not in {"id", "created_ms"}
        }
    )
)


@dataclasses.dataclass(kw_only=True)
class Transfer:
    """One file on its way, as committed."""

    id: TransferId
    person_id: int
    drive: str
    is_verified: bool
    parent_id: EntryId
    name: str
    mime_type: str
    modified_at: dt.datetime | None
    size_bytes: int | None
    entry_id: EntryId | None
    session_token: str | None
    is_local: bool
    boot_id: str
    restarts: int

    def spec(self) -> UploadSpec:
        """What its upload says of itself; the size must be known."""
        assert self.size_bytes is not None
        return UploadSpec(
            id=self.entry_id,
            parent_id=self.parent_id,
            name=self.name,
            mime_type=self.mime_type,
            size_bytes=self.size_bytes,
            modified_at=self.modified_at,
        )


class Checkpoints:
    """The table of transfers. Each method returns when the disk has it."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def find(self, transfer_id: TransferId) -> Transfer | None:
        """None when it is unknown: never begun, or discarded."""

        def work(connection: Connection) -> Transfer | None:
            row = connection.execute(_FIND, {"this_id": transfer_id}).one_or_none()
            return None if row is None else _transfer_of(row)

        return await self._store.read(work)

    async def open(
        self, request: TransferRequest, *, drive: str, parent_id: EntryId, entry_id: EntryId | None
    ) -> Transfer:
        """The transfer as an earlier attempt left it; begun with these facts if there was none."""
        transfer = Transfer(
            id=request.id,
            person_id=request.person_id,
            drive=drive,
            is_verified=False,
            parent_id=parent_id,
            name=request.name,
            mime_type=request.mime_type,
            modified_at=request.modified_at,
            size_bytes=request.size_bytes,
            entry_id=entry_id,
            session_token=None,
            is_local=False,
            boot_id=boot_id(),
            restarts=0,
        )
        values = _values_of(transfer) | {"created_ms": self._now_ms()}

        def work(connection: Connection) -> Transfer:
            row = connection.execute(_FIND, {"this_id": request.id}).one_or_none()
            if row is not None:
                return _transfer_of(row)
            connection.execute(_INSERT, values)
            return transfer

        return await self._store.write(work)

    async def save(self, transfer: Transfer) -> None:
        """Store what has changed of an unfinished transfer."""
        values = _new_values(transfer)
        await self._store.write(lambda connection: connection.execute(_UPDATE, values))

    async def verified(self, transfer: Transfer, entry: Entry, checksum: Checksum) -> None:
        """The drive has every byte: the transfer has done what it was for, and its content is known from now on."""
        transfer.is_verified, transfer.entry_id, transfer.session_token = True, entry.id, None
        values = _new_values(transfer, finished_ms=self._now_ms())

        def work(connection: Connection) -> None:
            connection.execute(_UPDATE, values)
            content_index.remember(
                connection,
                person_id=transfer.person_id,
                drive=transfer.drive,
                entry=entry,
                checksum=checksum,
                now_ms=self._now_ms(),
            )

        await self._store.write(work)

    async def forget(self, transfer_id: TransferId) -> None:
        """It was discarded."""
        await self._store.write(
            lambda connection: connection.execute(sa.delete(transfers).where(transfers.c.id == transfer_id))
        )

    async def unfinished(self) -> set[TransferId]:
        """Those that may still need their spool."""
        active = sa.select(transfers.c.id).where(transfers.c.state == "active")
        return await self._store.read(lambda connection: {TransferId(found) for found in connection.scalars(active)})

    async def prune(self) -> int:
        """Forget those that ended a month ago; how many."""
        return await prune(self._store, transfers, transfers.c.finished_ms < self._now_ms() - _FORGET_AFTER_MS)

    async def unfinished_of(self, person_id: int) -> list[TransferId]:
        """This person's, oldest first."""
        query = (
            sa.select(transfers.c.id)
            .where(transfers.c.person_id == person_id, transfers.c.state == "active")
            .order_by(transfers.c.created_ms)
        )
        ids = await self._store.read(lambda connection: connection.scalars(query).all())
        return [TransferId(found) for found in ids]

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


@functools.cache
def boot_id() -> str:
    """Which start of this system it is. After another one the page cache is gone, and a file's tail may be too."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        # Not known: as if each process were a start of its own, so that nothing is trusted that was not asked for.
        return f"unknown-{time.time_ns()}"


def _values_of(transfer: Transfer) -> dict[str, Any]:
    modified_ms = None if transfer.modified_at is None else round(transfer.modified_at.timestamp() * 1000)
    values = {field.name: getattr(transfer, field.name) for field in dataclasses.fields(transfer)}
    del values["is_verified"], values["modified_at"]
    return values | {"state": "verified" if transfer.is_verified else "active", "modified_ms": modified_ms}


def _new_values(transfer: Transfer, finished_ms: int | None = None) -> dict[str, Any]:
    values = {f"new_{name}": value for name, value in _values_of(transfer).items()}
    return values | {"this_id": transfer.id, "new_finished_ms": finished_ms}


def _transfer_of(row: sa.Row[Any]) -> Transfer:
    modified_at = None if row.modified_ms is None else dt.datetime.fromtimestamp(row.modified_ms / 1000, dt.UTC)
    return Transfer(
        id=TransferId(row.id),
        person_id=row.person_id,
        drive=row.drive,
        is_verified=row.state == "verified",
        parent_id=EntryId(row.parent_id),
        name=row.name,
        mime_type=row.mime_type,
        modified_at=modified_at,
        size_bytes=row.size_bytes,
        entry_id=None if row.entry_id is None else EntryId(row.entry_id),
        session_token=row.session_token,
        is_local=row.is_local,
        boot_id=row.boot_id,
        restarts=row.restarts,
    )
