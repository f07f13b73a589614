"""`telpher init`: goes with the reader from nothing to a `.env` that works, checking each answer at once."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from telpher.settings import DriveKind, Secret, Settings

_GREETING_LIMIT_S = 120.0

_BOT_STEPS = """
1. Your bot
   Open https://t.me/BotFather in Telegram and press Start.
   Send /newbot. It asks for a name (as people see it) and for a username (it must end in "bot").
   It answers with a token, such as 123456789:AAE…: whoever has it is the bot, so show it to nobody."""

_OWNER_STEPS = """
2. You
   Only people whose ids you name are served. If you do not know yours, press Enter, and Telpher waits two minutes
   for you to write to the bot: open https://t.me/{username}, press Start, and send any message."""

_DRIVE_STEPS = """
3. Where files land
   folder   a folder on this machine, {folder}: works at once
   google   your Google Drive: wants a client of your own from Google's console, about five minutes"""

_GOOGLE_STEPS = """
   In https://console.cloud.google.com/, signed in as the owner of the drive:
   a. Choose or make a project (at the top), then APIs & Services > Library > Google Drive API > Enable.
   b. Google Auth Platform > Branding: a name and your address; Audience: External, then "Publish app".
      Publish before you allow access for the first time: while it says "Testing", every log-in ends after seven days.
   c. Clients > Create client > Application type "TVs and Limited Input devices" > Create > Download JSON.
   A service account will not do: it owns no storage of its own."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    subparsers.add_parser(
        "init",
        help="write .env, step by step, with BotFather and Google's console",
        description="Go step by step through BotFather and, if you like, Google's console; check each answer at once; write .env "
        "with mode 0600. Settings that .env holds already stay.",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Ask, check, write."""
    try:
        answers = asyncio.run(ask_all(settings, ask=input, say=print))
    except EOFError:
        print("\nNothing was written.")
        return 1
    write_env(args.env_file, answers)
    print(f"\nWritten: {args.env_file.resolve()} (only you may read it).")
    telpher = shlex.quote(sys.argv[0]) if shutil.which("telpher") is None else "telpher"
    if answers.get("DRIVE") == DriveKind.GOOGLE:
        print(f"Next:  {telpher} connect google    then  {telpher} run")
    else:
        print(f"Next:  {telpher} run")
    return 0


async def ask_all(settings: Settings, *, ask: Callable[[str], str], say: Callable[[str], object]) -> dict[str, str]:
    """Every answer as a setting's name and value. `ask` blocks; it runs in a thread, so that Telegram can be listened to meanwhile."""
    say(_BOT_STEPS)
    token, me = await _ask_token(settings, ask, say)
    answers = {"TELEGRAM_TOKEN": token}
    say(f"   Telegram knows it: @{me['username']}.")
    say(_OWNER_STEPS.format(username=me["username"]))
    answers["OWNER_IDS"] = await _ask_owner(settings, token, ask, say)
    say(_DRIVE_STEPS.format(folder=(settings.data_dir / "drive").resolve()))
    while (drive := (await _asked(ask, "   folder or google? [folder] ")).lower() or "folder") not in {*DriveKind}:
        say("   Please write folder or google.")
    answers["DRIVE"] = drive
    if drive == DriveKind.GOOGLE:
        say(_GOOGLE_STEPS)
        answers["GOOGLE_CREDENTIALS_FILE"] = await _ask_credentials(ask, say)
    return answers


def write_env(path: Path, answers: Mapping[str, str]) -> None:
    """Set `answers` in `path`, leaving every other line as it is; mode 0600, whole or not at all."""
    left = dict(answers)
    lines = path.read_text().splitlines() if path.exists() else []
    for number, line in enumerate(lines):
        found = re.match(r"\s*([A-Z_]+)\s*=", line)
        if found and found[1] in left:
            lines[number] = f"{found[1]}={_quoted(left.pop(found[1]))}"
    lines += [f"{name}={_quoted(value)}" for name, value in left.items()]
    # mkstemp's files are 0600 from the beginning.
    handle, name = tempfile.mkstemp(prefix=".env.", dir=path.resolve().parent)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def check_credentials(path: Path) -> str:
    """What is wrong with a client's JSON from Google's console, in a line; empty when it will do."""
    wanted = "make a client of type TVs and Limited Input devices"
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except ValueError:
        return "it is no JSON: download it once more"
    match content:
        case {"installed": {"client_id": str(), "client_secret": str()}}:
            return ""
        case {"type": "service_account"}:
            return f"it is a service account, which owns no storage: {wanted}"
        case {"web": _}:
            return f"it is a Web application: {wanted}"
    return f"it holds no client: {wanted}"


async def _asked(ask: Callable[[str], str], question: str) -> str:
    return (await asyncio.to_thread(ask, question)).strip()


async def _ask_token(
    settings: Settings, ask: Callable[[str], str], say: Callable[[str], object]
) -> tuple[str, Mapping[str, Any]]:
    from telegram.error import InvalidToken, TelegramError  # noqa: PLC0415 - not for --help

    while True:
        token = await _asked(ask, "   The token: ") or settings.telegram_token
        if not re.fullmatch(r"\d+:[\w-]{20,}", token):
            say("   That is not a token: it begins with digits and a colon, and has no spaces.")
            continue
        try:
            return token, await _call(settings, token, "getMe", {})
        except InvalidToken:
            say("   Telegram does not know this token; was it copied whole?")
        except TelegramError as error:
            say(f"   {settings.telegram_api_url} cannot be reached ({error}). Once it can, write the token again.")


async def _ask_owner(settings: Settings, token: str, ask: Callable[[str], str], say: Callable[[str], object]) -> str:
    while True:
        answer = await _asked(ask, "   Your Telegram id (Enter: find it out): ")
        if re.fullmatch(r"\d+([ ,]+\d+)*", answer):
            return ",".join(re.findall(r"\d+", answer))
        if answer:
            say("   An id is a number; several are separated by commas.")
            continue
        say("   Waiting for a message to the bot …")
        if (writer := await _first_to_write(settings, token)) is None:
            say("   None came.")
            continue
        name, person_id = writer
        if (await _asked(ask, f"   {name} (id {person_id}) wrote to the bot. Is that you? [yes] ")).lower() in {
            "",
            "y",
            "yes",
        }:
            return str(person_id)


async def _first_to_write(settings: Settings, token: str) -> tuple[str, int] | None:
    """Who wrote to the bot. Updates are looked at, not confirmed: Telpher will get them again."""
    from telegram.error import TelegramError  # noqa: PLC0415 - not for --help

    ends_at = time.monotonic() + _GREETING_LIMIT_S
    while time.monotonic() < ends_at:
        try:
            updates = await _call(settings, token, "getUpdates", {"timeout": 20, "allowed_updates": ["message"]})
        except TelegramError:
            return None
        for update in reversed(updates):
            writer = update.get("message", {}).get("from")
            if writer and not writer.get("is_bot"):
                return str(writer["first_name"]), int(writer["id"])
    return None


async def _ask_credentials(ask: Callable[[str], str], say: Callable[[str], object]) -> str:
    while True:
        path = Path(await _asked(ask, "   Where is the downloaded file? "))
        path = await asyncio.to_thread(lambda named: named.expanduser().resolve(), path)
        if not (trouble := await asyncio.to_thread(check_credentials, path)):
            return str(path)
        say(f"   {path}: {trouble}.")


async def _call(settings: Settings, token: str, method: str, parameters: Mapping[str, Any]) -> Any:
    from telpher.bot.request import AiohttpRequest, ApiAddress  # noqa: PLC0415 - not for --help

    address = ApiAddress(settings.telegram_api_url, Secret(token))
    async with AiohttpRequest() as request:
        return await request.call(address.method(method), parameters, read_timeout_s=30.0)


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search(r"[\s#]", value) else value
