"""`telpher connect`: log in to a drive from the terminal, and keep the log-in encrypted."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from telpher.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    parser = subparsers.add_parser(
        "connect",
        help="log in to Google Drive",
        description="Log in to a drive: shows an address and a code, waits until you have allowed access there, and stores the log-in "
        "encrypted. Telpher sees only the files that it makes itself.",
    )
    parser.add_argument("drive", choices=("google",), help="which drive")
    parser.add_argument(
        "--credentials",
        type=Path,
        metavar="FILE",
        help="the client downloaded from Google's console (default: GOOGLE_CREDENTIALS_FILE, else credentials.json)",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Log in; 0 when it worked."""
    from telpher.errors import TelpherError  # noqa: PLC0415 - not for --help

    file = args.credentials or settings.google_credentials_file or Path("credentials.json")
    try:
        print(f"Connected as {asyncio.run(connect_google(settings, file))}.")
    except OSError as error:
        print(f"telpher: {error.filename or file} cannot be used: {error.strerror}", file=sys.stderr)
        return 1
    except TelpherError as error:
        print(f"telpher: {error.detail or error}", file=sys.stderr)
        return 1
    return 0


async def connect_google(settings: Settings, credentials_file: Path) -> str:
    """Go through the device flow in the terminal and store what was granted; whose account it is.

    Raises LoginFailedError, DriveError, SettingsInvalidError, OSError.
    """
    from telpher.accounts import google_account  # noqa: PLC0415 - not for --help
    from telpher.accounts.credentials import GoogleAuthorizer  # noqa: PLC0415
    from telpher.accounts.google_oauth import DeviceFlow, OAuthClient  # noqa: PLC0415
    from telpher.accounts.keys import open_keys  # noqa: PLC0415
    from telpher.accounts.vault import HOUSE, Vault  # noqa: PLC0415
    from telpher.drives.google import open_google_drive  # noqa: PLC0415
    from telpher.store import open_store  # noqa: PLC0415

    client = OAuthClient.from_json(await asyncio.to_thread(credentials_file.read_text))
    # Before the person goes to Google: what would fail afterwards fails now.
    keys = await asyncio.to_thread(open_keys, settings.data_dir)
    database = settings.database_of(settings.data_dir)
    store = await asyncio.to_thread(open_store, database)
    try:
        flow = DeviceFlow(client, settings.google_oauth_url)
        code = await flow.begin()
        print(
            f"Open {code.verification_url} on any device, and enter the code {code.user_code}\nWaiting for you …",
            flush=True,
        )
        user = await flow.wait(code)
        drive = await open_google_drive(
            api_url=settings.google_api_url,
            authorizer=GoogleAuthorizer(user, oauth_url=settings.google_oauth_url),
            home_file=settings.data_dir / "google-home",
        )
        try:
            subject = await drive.owner()
        finally:
            await drive.close()
        await google_account.keep(Vault(store, keys), user, person_id=HOUSE, subject=subject)
    finally:
        await store.close()
        if isinstance(database, Path):
            database.chmod(0o600)
    return subject
