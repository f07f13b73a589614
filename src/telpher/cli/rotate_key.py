"""`telpher rotate-key`: encrypts every kept log-in with a new key, and forgets the old one."""

from __future__ import annotations

import argparse
import asyncio
import sys

from telpher.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    subparsers.add_parser(
        "rotate-key",
        help="encrypt the kept log-ins with a new key",
        description="Encrypt every kept log-in with a new key and forget the old one. Telpher must not be running. Where the service "
        "manager gives the key, put a new one on top of it first: then that one is used, and the old one can be removed afterwards.",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001 - every command is given both
    """Rotate, or say in one line why not."""
    from telpher.errors import TelpherError  # noqa: PLC0415 - not for --help

    try:
        count = asyncio.run(_rotate(settings))
    except (OSError, TelpherError) as error:
        print(f"telpher: {error}", file=sys.stderr)
        return 1
    print(f"Encrypted with the new key: {count}.")
    return 0


async def _rotate(settings: Settings) -> int:
    from telpher.accounts.keys import (  # noqa: PLC0415 - not for --help
        add_key,
        forget_old_keys,
        held_alone,
        open_keys,
    )
    from telpher.accounts.vault import Vault  # noqa: PLC0415 - as above
    from telpher.store import open_store  # noqa: PLC0415 - as above

    with held_alone(settings.data_dir):
        add_key(settings.data_dir)
        store = open_store(settings.database_of(settings.data_dir), alone=True)
        try:
            count = await Vault(store, open_keys(settings.data_dir)).rotate()
        finally:
            await store.close()
        forget_old_keys(settings.data_dir)
    return count
