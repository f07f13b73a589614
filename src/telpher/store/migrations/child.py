"""Upgrades the database that it is told of on its standard input, in a process of its own: `python -m telpher.store.migrations.child`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sqlalchemy as sa

from telpher.errors import TelpherError
from telpher.store.migrations import upgrade
from telpher.store.sqlite import connect_sqlite


def main(told: dict[str, str]) -> str | None:
    """`told` is `{"file": …}` or `{"address": …}`. None when it is done; else why not."""
    try:
        engine = _connect(told)
    except TelpherError as error:
        return str(error)
    try:
        upgrade(engine)
    except TelpherError as error:
        return str(error)
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    finally:
        engine.dispose()
    return None


def _connect(told: dict[str, str]) -> sa.Engine:
    if "file" in told:
        return connect_sqlite(Path(told["file"]))
    from telpher.store.postgresql import connect_postgresql  # noqa: PLC0415 - only for those who use it

    return connect_postgresql(told["address"])


if __name__ == "__main__":
    sys.exit(main(json.load(sys.stdin)))
