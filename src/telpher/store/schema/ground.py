"""What every table stands on: the one `MetaData`, and indexes over some of the rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

WHOLE = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
"""A number of 64 bits that may count rows up: SQLite counts only what is called INTEGER, which in PostgreSQL has half of them."""

_BY_CONDITION = "sqlite_where"


def only(condition: sa.TextClause) -> dict[str, Any]:
    """An index over the rows that meet `condition`. Said to SQLite alone: naming PostgreSQL here would load its dialect, 3 MB of it."""
    return {_BY_CONDITION: condition}


@sa.event.listens_for(metadata, "before_create")
def _say_it_to_postgresql(_metadata: sa.MetaData, connection: sa.Connection, **_options: object) -> None:
    if connection.dialect.name == "postgresql":
        say_conditions_to_postgresql()


def say_conditions_to_postgresql() -> None:
    """Let the indexes over some of the rows be such indexes in PostgreSQL too."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if (condition := index.dialect_kwargs.get(_BY_CONDITION)) is not None:
                index.dialect_kwargs["postgresql_where"] = condition
