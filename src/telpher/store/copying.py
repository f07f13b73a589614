"""Every row of one database into another, of the other kind too: how a backup holds PostgreSQL's content, and how Telpher moves.

A copy is of one moment, whoever writes meanwhile. Numbers that were given out are not given out again afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.errors import StoreError
from telpher.store.hold import Hold
from telpher.store.kind import Purpose, kind_of
from telpher.store.migrations import HEAD, migrate, stored_revision
from telpher.store.schema import metadata, tenures
from telpher.store.sqlite import connect_sqlite

_AT_ONCE = 1000


def copy_out(address: str, path: Path) -> None:
    """Write what the PostgreSQL database at `address` holds now to a new SQLite database. Raises StoreError."""
    from telpher.store.postgresql import connect_postgresql  # noqa: PLC0415 - only for those who use it

    source, target = connect_postgresql(address), connect_sqlite(path)
    try:
        if (revision := stored_revision(source)) != HEAD:
            raise StoreError(
                f"the database is at revision {revision}, this Telpher at {HEAD}: start it once, to bring the two together"
            )
        migrate(target)
        with source.connect() as unprepared, target.connect() as writing:
            reading = kind_of(source).for_purpose(unprepared, Purpose.READING)
            with reading.begin(), writing.begin():
                _copy(reading, writing)
    finally:
        source.dispose()
        target.dispose()


@contextlib.contextmanager
def copied_in(path: Path, address: str, *, overwrite: bool) -> Iterator[None]:
    """Put what the SQLite database at `path` holds into the PostgreSQL one, as soon as the block has ended well.

    The file is brought up to date for it. Raises StoreError, also where the target holds something and `overwrite` is not said, and
    SettingsInvalidError while a Telpher uses the target.
    """
    from telpher.store.postgresql import connect_postgresql, place_of  # noqa: PLC0415 - only for those who use it

    source, target = connect_sqlite(path), connect_postgresql(address)
    try:
        migrate(source)
        with source.connect() as reading, target.connect() as unprepared:
            writing = kind_of(target).for_purpose(unprepared, Purpose.WRITING)
            hold = Hold(place_of(address))
            hold.take(writing)
            migrate(target)
            # One that lost its connection meanwhile must see that the content is another.
            hold.begin(writing)
            with reading.begin(), writing.begin():
                if not overwrite:
                    _check_emptiness(writing, place_of(address))
                for table in reversed(_tables()):
                    writing.execute(sa.delete(table))
                _copy(reading, writing)
                yield
    except Exception as error:
        ours = kind_of(target).translated(error)
        if ours is error:
            raise
        raise ours from None
    finally:
        source.dispose()
        target.dispose()


def _tables() -> list[sa.Table]:
    """Those whose rows are content, each after those that it refers to."""
    return [table for table in metadata.sorted_tables if table is not tenures]


def _check_emptiness(connection: Connection, place: str) -> None:
    if any(connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() for table in _tables()):
        raise StoreError(f"the database {place} holds something already: say --overwrite, or take another")


def _copy(source: Connection, target: Connection) -> None:
    for table in _tables():
        rows = source.execute(sa.select(table), execution_options={"stream_results": True, "yield_per": _AT_ONCE})
        for part in rows.partitions():
            target.execute(sa.insert(table), [dict(row._mapping) for row in part])
    for name, number in _counted(source).items():
        _count_from(target, name, number)


def _counted(connection: Connection) -> dict[str, int]:
    """The highest number that was given out in each table that counts its rows."""
    given_out: dict[str, int] = {}
    for table in _tables():
        column = table.autoincrement_column
        if column is not None:
            given_out[table.name] = connection.scalar(sa.select(sa.func.max(column))) or 0
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
        remembered: dict[str, int] = {row[0]: row[1] for row in rows}
    else:
        remembered = {name: connection.scalar(_LAST_VALUE, {"table": name}) or 0 for name in given_out}
    return {name: max(number, remembered.get(name, 0)) for name, number in given_out.items()}


_LAST_VALUE = sa.text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, 'id')::regclass)")
_SET_VALUE = sa.text("SELECT setval(pg_get_serial_sequence(:table, 'id')::regclass, :number)")


def _count_from(connection: Connection, table: str, number: int) -> None:
    if not number:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(_SET_VALUE, {"table": table, "number": number})
        return
    if metadata.tables[table].dialect_options["sqlite"]["autoincrement"]:
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, number))
