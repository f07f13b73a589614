"""What a store has to know of its database beside SQL: how transactions begin there, and what its troubles are in our words."""

from __future__ import annotations

import enum
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

PURPOSE = "telpher_purpose"
"""Execution option of a connection: what its transactions are for."""


class Purpose(enum.Enum):
    """How a transaction begins."""

    WRITING = "writing"
    """Alone: who comes second waits, and then sees what the first has stored."""
    READING = "reading"
    """On one snapshot, without holding up who writes."""


class Kind(Protocol):
    """One kind of database. Its engine begins transactions as `PURPOSE` says."""

    def for_purpose(self, connection: Connection, purpose: Purpose) -> Connection:
        """The same connection, whose transactions are for `purpose` from now on."""

    def is_in_transaction(self, connection: Connection) -> bool:
        """Whether the transaction still stands, so that a part of it can be undone."""

    def mark_of(self, connection: Connection) -> str | None:
        """What the transaction under way is known by after it, where its end may be in doubt."""

    def has_landed(self, connection: Connection, mark: str) -> bool | None:
        """Whether the transaction of that mark was committed; None while it is under way."""

    def translated(self, error: BaseException) -> BaseException:
        """Ours for what passes or is mended by whoever looks after the machine; any other error as it is."""


def kind_of(engine: Engine) -> Kind:
    """The kind of `engine`'s database."""
    if engine.dialect.name == "postgresql":
        from telpher.store.postgresql import PostgresqlKind  # noqa: PLC0415 - SQLite's users do without its driver

        return PostgresqlKind()
    from telpher.store.sqlite import SqliteKind  # noqa: PLC0415 - the two are alternatives

    return SqliteKind()


def hide_from(error: BaseException) -> BaseException:
    """The driver's own error, without the statement and its values."""
    return error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
