"""Where receipts are written down: which message shows which jobs, so that a restart goes on editing the same message."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from telpher.jobs.port import JobId
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import receipt_jobs, receipts

_KEPT_MS = 30 * 24 * 3600 * 1000
_BURST_FROM = 4
"""The so-manyth message under way at once is the first of a burst: those before it have receipts of their own."""
_BURST_WITHIN_MS = 5000
_BURST_LIMIT = 100


class ReceiptView(enum.StrEnum):
    """What a receipt is about."""

    SAVE = "save"
    BURST = "burst"
    """Single files that came within a few seconds."""
    SEND = "send"
    COMPUTE = "compute"


@dataclasses.dataclass(frozen=True)
class Receipt:
    """A message that shows how jobs go. `message_id` is None until it was sent."""

    id: int
    view: ReceiptView
    person_id: int
    chat_id: int
    message_id: int | None
    reply_to: int | None
    is_settled: bool
    job_ids: tuple[JobId, ...]


class ReceiptBook:
    """The tables `receipts` and `receipt_jobs`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(
        self,
        key: str,
        view: ReceiptView,
        *,
        person_id: int,
        chat_id: int,
        job_id: JobId,
        message_id: int | None = None,
        reply_to: int | None = None,
        may_join_burst: bool = False,
    ) -> Receipt:
        """The receipt with this key, made if there is none; it also shows `job_id` from now on.

        A job that `may_join_burst` comes into an aggregate receipt when others are under way; asked again, into the same.
        """
        now_ms = time.time_ns() // 1_000_000
        values = {
            "key": key,
            "view": view.value,
            "person_id": person_id,
            "chat_id": chat_id,
            "message_id": message_id,
            "reply_to": reply_to,
            "is_settled": False,
            "created_ms": now_ms,
            "joined_ms": now_ms,
        }

        def put(connection: sa.Connection) -> Receipt:
            found = _id_of(connection, key)
            if found is None and may_join_burst:
                found = _burst_of(connection, job_id) or _open_burst(connection, chat_id, now_ms)
                if found is None and _is_burst(connection, chat_id, now_ms):
                    values.update(key=f"burst:{key}", view=ReceiptView.BURST.value)
            if found is None:
                connection.execute(sa.insert(receipts).values(values))
                found = _id_of(connection, str(values["key"]))
                assert found is not None
            pair = (receipt_jobs.c.receipt_id == found, receipt_jobs.c.job_id == int(job_id))
            if connection.execute(sa.select(receipt_jobs.c.job_id).where(*pair)).scalar() is None:
                connection.execute(sa.insert(receipt_jobs).values(receipt_id=found, job_id=int(job_id)))
                joined = sa.update(receipts).where(receipts.c.id == found)
                connection.execute(joined.values(is_settled=False, joined_ms=now_ms))
            return _load(connection, receipts.c.id == found)[0]

        return await self._store.write(put)

    async def get(self, receipt_id: int) -> Receipt | None:
        """One receipt."""
        found = await self._store.read(lambda connection: _load(connection, receipts.c.id == receipt_id))
        return found[0] if found else None

    async def unsettled(self) -> Sequence[Receipt]:
        """Those whose messages do not show yet how their jobs ended."""
        return await self._store.read(lambda connection: _load(connection, receipts.c.is_settled.is_(False)))

    async def of_job(self, job_id: JobId) -> Sequence[Receipt]:
        """Those that show this job."""
        holds = receipts.c.id.in_(sa.select(receipt_jobs.c.receipt_id).where(receipt_jobs.c.job_id == int(job_id)))
        return await self._store.read(lambda connection: _load(connection, holds))

    async def set_message(self, receipt_id: int, message_id: int) -> None:
        """Note which message it is."""
        await self._update(receipt_id, message_id=message_id)

    async def set_settled(self, receipt_id: int, *, is_settled: bool) -> None:
        """Note whether the message shows how the jobs ended."""
        await self._update(receipt_id, is_settled=is_settled)

    async def prune(self) -> int:
        """Remove what was settled a month ago: its message stays as it is; how many."""
        old = receipts.c.created_ms < time.time_ns() // 1_000_000 - _KEPT_MS
        return await prune(self._store, receipts, sa.and_(receipts.c.is_settled, old))

    async def _update(self, receipt_id: int, **values: Any) -> None:
        change = sa.update(receipts).where(receipts.c.id == receipt_id).values(values)
        await self._store.write(lambda connection: connection.execute(change))


def _id_of(connection: sa.Connection, key: str) -> int | None:
    return connection.execute(sa.select(receipts.c.id).where(receipts.c.key == key)).scalar()


def _burst_of(connection: sa.Connection, job_id: JobId) -> int | None:
    """The burst that this job belongs to already."""
    query = (
        sa.select(receipts.c.id)
        .join(receipt_jobs, receipt_jobs.c.receipt_id == receipts.c.id)
        .where(receipt_jobs.c.job_id == int(job_id), receipts.c.view == ReceiptView.BURST.value)
    )
    return connection.execute(query).scalar()


def _recent(chat_id: int, view: ReceiptView, now_ms: int) -> sa.ColumnElement[bool]:
    is_recent = receipts.c.joined_ms > now_ms - _BURST_WITHIN_MS
    return sa.and_(receipts.c.chat_id == chat_id, receipts.c.view == view.value, is_recent)


def _open_burst(connection: sa.Connection, chat_id: int, now_ms: int) -> int | None:
    """A burst that goes on and has room."""
    files_count = sa.func.count(receipt_jobs.c.job_id)
    query = (
        sa.select(receipts.c.id)
        .join(receipt_jobs, receipt_jobs.c.receipt_id == receipts.c.id)
        .where(_recent(chat_id, ReceiptView.BURST, now_ms))
        .group_by(receipts.c.id)
        .having(files_count < _BURST_LIMIT)
        .order_by(receipts.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def _is_burst(connection: sa.Connection, chat_id: int, now_ms: int) -> bool:
    """So much is under way that one more message would be one too many; or a full burst goes on."""
    recent_burst = sa.select(receipts.c.id).where(_recent(chat_id, ReceiptView.BURST, now_ms)).limit(1)
    if connection.execute(recent_burst).scalar() is not None:
        return True
    under_way = sa.select(sa.func.count()).where(
        _recent(chat_id, ReceiptView.SAVE, now_ms), receipts.c.is_settled.is_(False)
    )
    return connection.execute(under_way).scalar_one() >= _BURST_FROM - 1


def _load(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[Receipt]:
    rows = connection.execute(sa.select(receipts).where(where).order_by(receipts.c.id)).all()
    shown: dict[int, list[JobId]] = {row.id: [] for row in rows}
    jobs = (
        sa.select(receipt_jobs.c.receipt_id, receipt_jobs.c.job_id)
        .join(receipts, receipts.c.id == receipt_jobs.c.receipt_id)
        .where(where)
        .order_by(receipt_jobs.c.receipt_id, receipt_jobs.c.job_id)
    )
    for row in connection.execute(jobs):
        shown[row.receipt_id].append(JobId(row.job_id))
    return [
        Receipt(
            id=row.id,
            view=ReceiptView(row.view),
            person_id=row.person_id,
            chat_id=row.chat_id,
            message_id=row.message_id,
            reply_to=row.reply_to,
            is_settled=row.is_settled,
            job_ids=tuple(shown[row.id]),
        )
        for row in rows
    ]
