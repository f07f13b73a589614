"""`telpher doctor`: looks at everything that Telpher depends on; one line each, with what to do where something is wrong.

It shows no secret, and may run beside a running Telpher. Exit code 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from telpher.settings import DriveKind, Settings

if TYPE_CHECKING:
    from telpher.bot.request import AiohttpRequest

_CHECK_LIMIT_S = 20.0
_CLOCK_TOLERANCE_S = 30.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line: `is_well` is None where nothing is wrong, but something is worth knowing."""

    is_well: bool | None
    text: str


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    subparsers.add_parser(
        "doctor",
        help="check everything that Telpher needs, and say what to do",
        description="Check the token, the owners, the drive, the disk, the database, ffmpeg and the clock: a line each. "
        "Exit code 1 when something is wrong.",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001 - every command is given both
    """Print the findings."""
    from telpher import app, logs  # noqa: PLC0415 - not for --help

    redactor = logs.set_up("ERROR", "text", app.secrets_of(settings))
    is_well = True
    for name, check in _CHECKS.items():
        try:
            finding = asyncio.run(asyncio.wait_for(check(settings), _CHECK_LIMIT_S))
        except TimeoutError:
            finding = Finding(False, f"no answer within {_CHECK_LIMIT_S:.0f} s")
        mark = {True: "ok", False: "WRONG", None: "note"}[finding.is_well]
        print(redactor.strike(f"{mark:<6} {name:<9} {finding.text}"), flush=True)
        is_well = is_well and finding.is_well is not False
    return 0 if is_well else 1


async def _token(settings: Settings) -> Finding:
    if not settings.telegram_token:
        return Finding(
            None,
            "no TELEGRAM_TOKEN: `telpher run` starts an offline Telegram; @BotFather gives a token for the real one",
        )
    from telegram.error import InvalidToken, TelegramError  # noqa: PLC0415 - not for --help

    from telpher.bot.request import ApiAddress  # noqa: PLC0415 - as above

    address = ApiAddress(settings.telegram_api_url, settings.telegram_token)
    async with _requests() as request:
        try:
            me = await request.call(address.method("getMe"), {})
        except InvalidToken:
            return Finding(
                False, "Telegram does not know this token: take the current one from @BotFather and set TELEGRAM_TOKEN"
            )
        except TelegramError as error:
            return Finding(
                False, f"{settings.telegram_api_url} cannot be used ({error}): see the network and TELEGRAM_API_URL"
            )
    return Finding(True, f"Telegram knows this bot as @{me['username']}")


async def _owners(settings: Settings) -> Finding:
    if settings.owner_ids:
        return Finding(True, f"{len(settings.owner_ids)} set")
    if not settings.telegram_token:
        return Finding(None, "none set; the offline Telegram's first user is the owner")
    return Finding(False, "nobody is served: send /whoami to the bot and put the number into OWNER_IDS")


async def _drive(settings: Settings) -> Finding:
    from telpher import app  # noqa: PLC0415 - not for --help
    from telpher.errors import TelpherError  # noqa: PLC0415 - as above

    try:
        async with app.opened_drive(settings) as drive:
            home = await drive.root()
    except (TelpherError, OSError) as error:
        what_to_do = (
            "run `telpher connect google`" if settings.drive is DriveKind.GOOGLE else "see DATA_DIR and its rights"
        )
        return Finding(False, f"{settings.drive} cannot be used ({error}): {what_to_do}")
    where = f" at {(settings.data_dir / 'drive').resolve()}" if settings.drive is DriveKind.FOLDER else f": {home.name}"
    return Finding(True, f"{settings.drive}{where}")


async def _disk(settings: Settings) -> Finding:
    existing = next(
        path for path in (settings.data_dir.resolve(), *settings.data_dir.resolve().parents) if path.exists()
    )
    free_bytes = (await asyncio.to_thread(shutil.disk_usage, existing)).free
    shown = f"{free_bytes / (1 << 30):.1f} GiB free in {settings.data_dir.resolve()}"
    if free_bytes < settings.disk_headroom:
        return Finding(False, f"{shown}, less than DISK_HEADROOM: make room, or files must wait")
    if free_bytes < settings.disk_headroom + settings.spool_limit:
        return Finding(
            None, f"{shown}; with less than DISK_HEADROOM and SPOOL_LIMIT together, large files may have to wait"
        )
    return Finding(True, shown)


async def _database(settings: Settings) -> Finding:
    path = (settings.data_dir if settings.telegram_token else settings.data_dir / "sandbox") / "telpher.db"
    if not path.exists():
        return Finding(True, f"{path} will be made at the first start")

    def look() -> str:
        # Read-only, so that neither a migration nor a lock of ours disturbs a running Telpher.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            connection.close()

    try:
        answer = await asyncio.to_thread(look)
    except sqlite3.Error as error:
        answer = str(error)
    if answer != "ok":
        return Finding(False, f"{path} is damaged or cannot be read ({answer}): restore it from a backup")
    return Finding(True, f"{path} is sound, {path.stat().st_size / (1 << 20):.1f} MiB")


async def _ffmpeg(settings: Settings) -> Finding:
    del settings
    path = shutil.which("ffmpeg")
    if path is None:
        return Finding(
            None, "not installed: files are carried as they are; videos can be worked on after `apt install ffmpeg`"
        )
    return Finding(True, path)


async def _clock(settings: Settings) -> Finding:
    async with _requests() as request:
        told, asked_at = await request.date_of(settings.telegram_api_url), time.time()
    if told is None:
        return Finding(None, "could not be compared with Telegram's")
    off_s = asked_at - parsedate_to_datetime(told).timestamp()
    if abs(off_s) > _CLOCK_TOLERANCE_S:
        way = "ahead" if off_s > 0 else "behind"
        return Finding(
            False, f"{abs(off_s):.0f} s {way} of Telegram's: turn on time synchronisation (`timedatectl set-ntp true`)"
        )
    return Finding(True, "agrees with Telegram's")


def _requests() -> AiohttpRequest:
    from telpher.bot.request import AiohttpRequest  # noqa: PLC0415 - not for --help

    return AiohttpRequest()


_CHECKS: dict[str, Callable[[Settings], Awaitable[Finding]]] = {
    "token": _token,
    "owners": _owners,
    "drive": _drive,
    "disk": _disk,
    "database": _database,
    "ffmpeg": _ffmpeg,
    "clock": _clock,
}
