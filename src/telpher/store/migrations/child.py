"""Upgrades the SQLite database that it is given, in a process of its own: `python -m telpher.store.migrations.child FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

import sqlalchemy as sa

from telpher.errors import StoreError
from telpher.store.database import connect_sqlite
from telpher.store.migrations import upgrade


def main(path: Path) -> str | None:
    """None when it is done; else why not."""
    engine = connect_sqlite(path)
    try:
        upgrade(engine)
    except StoreError as error:
        return str(error)
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    finally:
        engine.dispose()
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
