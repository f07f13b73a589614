"""No secret shows anywhere: everything that a run prints, logs, stores, measures and represents is searched for what it used."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.driver import Person, has_text, text_of
from tests.scenarios.conftest import TelpherProcess, environment_of
from tests.scenarios.google_page import connect_in_the_terminal

from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import DriveKind, Secret, Settings, load
from telpher.web import Webhook

_TOKEN = "987654321:AAdistinctive-bot-token-for-the-grep"
_WEBHOOK_SECRET = "distinctive-webhook-secret-0123456789"
_TEXT = "a distinctive line that somebody wrote"


@pytest.fixture
async def sandbox(tmp_path: Path) -> Any:
    async with Sandbox(state_dir=tmp_path / "sandbox", token=_TOKEN) as running:
        yield running


@pytest.fixture
def telpher_settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return Settings(
        telegram_token=Secret(sandbox.token),
        owner_ids=(OWNER_ID,),
        telegram_api_url=sandbox.url,
        google_api_url=sandbox.url,
        google_oauth_url=sandbox.url,
        google_login_url=sandbox.url,
        drive=DriveKind.GOOGLE,
        data_dir=tmp_path / "data",
        web_port=0,
    )


def _granted(sandbox_dir: Path) -> set[str]:
    """Every token that the offline Google has given out."""
    found: set[str] = set()
    for path in sandbox_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found |= {match.decode() for match in re.findall(rb"ya29\.[\w.-]{10,}|1//[\w-]{20,}", content)}
    return found


def _stored(data_dir: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data_dir)): path.read_bytes() for path in data_dir.rglob("*") if path.is_file()}


async def test_no_secret_is_printed_logged_stored_or_measured(
    telpher_process: TelpherProcess, telpher_settings: Settings, sandbox: Sandbox, anna: Person, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials.json"
    await connect_in_the_terminal(telpher_process, sandbox, credentials, LOG_LEVEL="DEBUG")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    await telpher_process.start(
        LOG_LEVEL="DEBUG",
        WEBHOOK_SECRET=_WEBHOOK_SECRET,
        GOOGLE_CREDENTIALS_FILE=str(credentials),
        WEB_PORT=str(port),
    )
    assert Path(f"/proc/{telpher_process.pid}/limits").read_text().count("Max core file size        0 ") == 1
    await anna.send_file(b"content", name="file.txt")
    await anna.wait_for(has_text("file.txt", "verified"))
    question = await anna.ask("/invite", has_text("Whom shall I let in"))
    await anna.press(question, "A member")
    link = text_of(await anna.wait_for(has_text("?start=")))
    code = re.search(r"\?start=([\w-]+)", link)
    assert code
    await anna.send_text(_TEXT)
    # Faults make it talk: the errors of libraries hold addresses.
    async with aiohttp.ClientSession() as session:
        for rule in (
            {"match": r"GET /file/", "kind": "status", "status": 500, "times": 1},
            {"match": r"POST /bot.*/sendMessage", "kind": "cut_response", "after_bytes": 0, "times": 1},
            {"match": r"GET /drive/v3", "kind": "status", "status": 401, "times": 2},
        ):
            await session.post(f"{sandbox.url}/sandbox/faults", json=rule)
    await anna.send_file(b"more", name="more.txt")
    await anna.ask("/files")
    await anna.wait_for(has_text("more.txt", "verified"), timeout_s=40)
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        measured = await answer.text()
    assert "telpher_updates" in measured
    assert await telpher_process.stop() == 0
    await telpher_process.start("doctor", wait_until_ready=False)
    await telpher_process.wait_for_line("clock")
    await telpher_process.wait()

    webhook = Webhook.of("https://bot.example", Secret(_TOKEN), Secret(""))
    client = json.loads(credentials.read_text())
    (kind,) = client.values()
    secrets = {
        "bot token": {_TOKEN, _TOKEN.partition(":")[2]},
        "webhook": {_WEBHOOK_SECRET, str(webhook.path_key), str(webhook.secret)},
        "Google tokens": _granted(tmp_path / "sandbox"),
        "client secret": {kind["client_secret"]},
        "invitation": {code[1]},
    }
    assert all(found for found in secrets.values()), secrets.keys()
    seen = {
        "printed": "\n".join(telpher_process.output).encode(),
        "logged": telpher_process.log.encode(),
        "measured": measured.encode(),
        "settings": repr(load(None, environment_of(telpher_settings))).encode(),
        **_stored(telpher_settings.data_dir),
    }
    # The key in its own file, mode 0600, is what the others are encrypted with.
    assert "DEBUG" in telpher_process.log
    shown = [
        f"{name} in {where}"
        for where, content in seen.items()
        for name, values in secrets.items()
        for value in values
        if value.encode() in content
    ]
    assert not shown
    key = (telpher_settings.data_dir / "vault.key").read_bytes().strip()
    assert not [where for where, content in seen.items() if key in content and where != "vault.key"]
    assert _TEXT not in telpher_process.log
    assert "more.txt" not in "\n".join(line for line in telpher_process.log.splitlines() if " INFO " in line)


async def test_what_the_database_holds_of_a_log_in_is_encrypted_and_of_a_code_its_hash(
    telpher_process: TelpherProcess, telpher_settings: Settings, sandbox: Sandbox, anna: Person, tmp_path: Path
) -> None:
    await connect_in_the_terminal(telpher_process, sandbox, tmp_path / "credentials.json", LOG_LEVEL="DEBUG")
    with sqlite3.connect(telpher_settings.data_dir / "telpher.db") as database:
        ((secret,),) = database.execute("SELECT secret FROM accounts").fetchall()
    assert secret.startswith("gAAAA")  # https://github.com/fernet/spec: version 0x80, then the time
    assert (telpher_settings.data_dir / "vault.key").stat().st_mode & 0o077 == 0


def test_settings_and_webhooks_represent_themselves_without_their_secrets() -> None:
    settings = dataclasses.replace(
        load(None, {"TELEGRAM_TOKEN": _TOKEN, "WEBHOOK_SECRET": _WEBHOOK_SECRET}), web_port=1
    )
    webhook = Webhook.of("https://bot.example", settings.telegram_token, settings.webhook_secret)
    for shown in (repr(settings), repr(webhook), str(webhook), f"{settings!r}"):
        for secret in (_TOKEN, _WEBHOOK_SECRET, str(webhook.path_key), str(webhook.secret)):
            assert secret not in shown
