"""`telpher restore`: puts a backup back, on this machine or a new one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from telpher.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    parser = subparsers.add_parser(
        "restore",
        help="put a backup back",
        description="Put a backup back into DATA_DIR and, where DATABASE_URL is set, into that database. Telpher must not be running; "
        "at its next start, transfers that were on their way go on.",
    )
    parser.add_argument("file", type=Path, help="what `telpher backup` wrote")
    parser.add_argument("--overwrite", action="store_true", help="also where the database holds something already")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Restore, or say in one line why not."""
    from telpher.errors import ArchiveError  # noqa: PLC0415 - as above
    from telpher.store import archive  # noqa: PLC0415 - not for --help

    try:
        database = settings.database_of(settings.data_dir)
        archive.restore(args.file, settings.data_dir, database, overwrite=args.overwrite)
    except ArchiveError as error:
        print(f"telpher: {error}", file=sys.stderr)
        return 1
    print(f"Restored into {settings.data_dir.resolve()}. `telpher run` goes on from there.")
    return 0
