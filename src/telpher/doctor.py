"""Looks at everything that Telpher depends on: one finding for each part, with what to do where something is wrong.

Shown by `telpher doctor` and by `/doctor`. It changes nothing, tells no secret, and may run beside a running Telpher.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path

from telegram.error import InvalidToken, TelegramError

from telpher.bot.operation import Finding
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.drive_opener import opened_drive
from telpher.errors import TelpherError
from telpher.settings import DriveKind, Settings

_CHECK_LIMIT_S = 20.0
_CLOCK_TOLERANCE_S = 30.0


def _found(is_well: bool | None, text_key: str, **params: object) -> Finding:
    return Finding(is_well, text_key, params)


async def examine(settings: Settings, state_dir: Path | None = None) -> AsyncIterator[tuple[str, Finding]]:
    """Each part's name and finding, as soon as it is known. `state_dir` holds the database where that is not DATA_DIR."""
    if state_dir is None:
        state_dir = settings.data_dir if settings.telegram_token else settings.data_dir / "sandbox"
    for name, check in CHECKS.items():
        try:
            async with asyncio.timeout(_CHECK_LIMIT_S):
                finding = await (check(settings) if check is not None else _database(settings.database_of(state_dir)))
        except TimeoutError:
            finding = _found(False, "doctor.no_answer", seconds=int(_CHECK_LIMIT_S))
        yield name, finding


async def _token(settings: Settings) -> Finding:
    if not settings.telegram_token:
        return _found(None, "doctor.token_none")
    address = ApiAddress(settings.telegram_api_url, settings.telegram_token)
    async with AiohttpRequest() as request:
        try:
            me = await request.call(address.method("getMe"), {})
        except InvalidToken:
            return _found(False, "doctor.token_unknown")
        except TelegramError as error:
            return _found(False, "doctor.token_unreachable", address=settings.telegram_api_url, error=error)
    return _found(True, "doctor.token_ok", name=me["username"])


async def _owners(settings: Settings) -> Finding:
    if settings.owner_ids:
        return _found(True, "doctor.owners_ok", count=len(settings.owner_ids))
    return _found(*((False, "doctor.owners_none") if settings.telegram_token else (None, "doctor.owners_sandbox")))


async def _drive(settings: Settings) -> Finding:
    is_google = settings.drive is DriveKind.GOOGLE
    try:
        async with opened_drive(settings) as drive:
            home = await drive.root()
    except (TelpherError, OSError) as error:
        key = "doctor.drive_google_wrong" if is_google else "doctor.drive_folder_wrong"
        return _found(False, key, error=error)
    if is_google:
        return _found(True, "doctor.drive_google", name=home.name)
    return _found(True, "doctor.drive_folder", path=(settings.data_dir / "drive").resolve())


async def _disk(settings: Settings) -> Finding:
    data_dir = settings.data_dir.resolve()
    existing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    free_bytes = (await asyncio.to_thread(shutil.disk_usage, existing)).free
    shown = {"free_bytes": free_bytes, "path": data_dir}
    if free_bytes < settings.disk_headroom:
        return _found(False, "doctor.disk_full", **shown)
    if free_bytes < settings.disk_headroom + settings.spool_limit:
        return _found(None, "doctor.disk_tight", **shown)
    return _found(True, "doctor.disk_ok", **shown)


async def _database(where: Path | str) -> Finding:
    if isinstance(where, Path):
        return await asyncio.to_thread(_look_at_file, where)
    return await asyncio.to_thread(_look_at_server, where)


def _look_at_server(address: str) -> Finding:
    try:
        from telpher.store import postgresql  # noqa: PLC0415 - only for those who use it

        server = postgresql.look_at(address)
    except TelpherError as error:
        return _found(False, "doctor.database_server_wrong", error=error)
    place, version, size_bytes = postgresql.place_of(address), server.version, server.size_bytes
    is_well, key = (True, "doctor.database_server_ok") if server.waits_for_disk else (None, "doctor.database_careless")
    return _found(is_well, key, place=place, version=version, size_bytes=size_bytes)


def _look_at_file(path: Path) -> Finding:
    if not path.exists():
        return _found(True, "doctor.database_none", path=path)
    try:
        # Read-only, so that neither a migration nor a lock of ours disturbs a running Telpher.
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            answer = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        answer = str(error)
    if answer != "ok":
        return _found(False, "doctor.database_damaged", path=path, answer=answer)
    return _found(True, "doctor.database_ok", path=path, size_bytes=path.stat().st_size)


async def _ffmpeg(settings: Settings) -> Finding:
    del settings
    path = shutil.which("ffmpeg")
    return _found(None, "doctor.ffmpeg_none") if path is None else _found(True, "doctor.ffmpeg_ok", path=path)


async def _clock(settings: Settings) -> Finding:
    async with AiohttpRequest() as request:
        told, asked_at = await request.date_of(settings.telegram_api_url), time.time()
    if told is None:
        return _found(None, "doctor.clock_unknown")
    off_s = asked_at - parsedate_to_datetime(told).timestamp()
    if abs(off_s) > _CLOCK_TOLERANCE_S:
        return _found(False, "doctor.clock_ahead" if off_s > 0 else "doctor.clock_behind", seconds=int(abs(off_s)))
    return _found(True, "doctor.clock_ok")


CHECKS: Mapping[str, Callable[[Settings], Awaitable[Finding]] | None] = {
    "token": _token,
    "owners": _owners,
    "drive": _drive,
    "disk": _disk,
    "database": None,
    "ffmpeg": _ffmpeg,
    "clock": _clock,
}
"""In the order of showing. The database is looked at by its place."""
