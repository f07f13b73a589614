"""`telpher backup`: one file with the database, the keys and the tokens, made while Telpher runs."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from telpher.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    parser = subparsers.add_parser(
        "backup",
        help="save the database, keys and tokens to one file, also while Telpher runs",
        description="Save a consistent copy of the database, the keys and the tokens to one file. It holds secrets: keep it as "
        "you would keep a password. Files of the folder drive are not in it.",
    )
    parser.add_argument(
        "file", type=Path, nargs="?", help="where to write it (default: telpher-DATE.tar.gz in this folder)"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Write the backup and say how large it is."""
    from telpher.errors import ArchiveError  # noqa: PLC0415 - as above
    from telpher.store import archive  # noqa: PLC0415 - not for --help

    target = args.file or Path(f"telpher-{dt.datetime.now().astimezone():%Y-%m-%d-%H%M%S}.tar.gz")
    try:
        size_bytes = archive.back_up(settings.data_dir, target, settings.database_of(settings.data_dir))
    except ArchiveError as error:
        print(f"telpher: {error}", file=sys.stderr)
        return 1
    print(f"{target}: {size_bytes / 1024:.0f} KiB. It holds secrets: keep it safe.")
    return 0
