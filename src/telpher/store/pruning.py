"""Removes old rows a few at a time, with pauses: whoever writes or reads meanwhile waits for one small batch at most.

Where nothing is old, nothing is written.
"""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.store.database import Store

BATCH = 200
_PAUSE_S = 0.02


async def prune(store: Store, table: sa.Table, is_old: sa.ColumnElement[bool], *, batch: int = BATCH) -> int:
    """Remove the rows of `table` that are old; how many. A row that is not old any more when its turn comes stays."""
    keys = list(table.primary_key.columns)
    found = sa.select(*keys).where(is_old).limit(batch)
    removed = 0
    while True:
        rows = await store.read(lambda connection: connection.execute(found).all())
        if rows:
            removed += await store.write(_removing(table, keys, rows, is_old))
        if len(rows) < batch:
            return removed
        await asyncio.sleep(_PAUSE_S)


def _removing(table: sa.Table, keys: list[sa.Column[Any]], rows: Any, is_old: sa.ColumnElement[bool]) -> Any:
    if len(keys) == 1:
        are_these: sa.ColumnElement[bool] = keys[0].in_([row[0] for row in rows])
    else:
        are_these = sa.tuple_(*keys).in_([tuple(row) for row in rows])
    gone = sa.delete(table).where(are_these, is_old)

    def remove(connection: Connection) -> int:
        return connection.execute(gone).rowcount

    return remove
