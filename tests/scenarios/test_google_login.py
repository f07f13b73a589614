"""Google from the operator's side: connect in the terminal, be killed in an upload, lose the log-in, log in again, go on."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherProcess, add_fault
from tests.scenarios.google_page import connect_in_the_terminal
from tests.scenarios.google_rig import google, write_token

from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import DriveKind, Secret, Settings

_CONTENT = os.urandom(7_000_000)


@pytest.fixture
def telpher_settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return Settings(
        telegram_token=Secret(sandbox.token),
        owner_ids=(OWNER_ID,),
        telegram_api_url=sandbox.url,
        google_api_url=sandbox.url,
        google_oauth_url=sandbox.url,
        drive=DriveKind.GOOGLE,
        data_dir=tmp_path / "data",
        web_port=0,
    )


async def _files(sandbox: Sandbox) -> dict[str, Any]:
    listed = await google(sandbox, "GET", "files")
    files = {file["name"]: file for file in listed if not file["is_folder"]}
    assert len(files) == len([file for file in listed if not file["is_folder"]])
    return files


async def test_without_an_account_it_says_what_to_do(telpher_process: TelpherProcess) -> None:
    await telpher_process.start(wait_until_ready=False)
    assert await telpher_process.wait() == 2
    assert len(telpher_process.log.splitlines()) == 1
    assert "telpher connect google" in telpher_process.log


async def test_files_land_in_the_connected_account(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person, tmp_path: Path
) -> None:
    await connect_in_the_terminal(telpher_process, sandbox, tmp_path / "credentials.json")
    await telpher_process.start()
    await anna.send_file(_CONTENT, name="large.bin")
    await anna.send_file(b"small", name="small.txt")
    for name in ("large.bin", "small.txt"):
        await anna.wait_for(has_text(name, "verified"), timeout_s=40)
    stored = await _files(sandbox)
    assert stored["large.bin"]["md5"] == hashlib.md5(_CONTENT).hexdigest()
    receipt = await anna.wait_for(has_text("large.bin", "verified"))
    await anna.press(receipt, "Get back")
    returned = await anna.wait_for(lambda m: "document" in m, after=receipt, timeout_s=40)
    assert await anna.download(returned) == _CONTENT
    assert await telpher_process.stop() == 0
    assert "Traceback" not in telpher_process.log


async def test_a_kill_in_the_middle_of_an_upload_doubles_nothing(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person, tmp_path: Path
) -> None:
    await connect_in_the_terminal(telpher_process, sandbox, tmp_path / "credentials.json")
    await add_fault(sandbox, match="PUT /upload/", kind="bandwidth", bytes_per_s=2_000_000, direction="up")
    await telpher_process.start()
    await anna.send_file(_CONTENT, name="large.bin")
    await anna.wait_for(has_text("large.bin", "%"), timeout_s=40)
    await telpher_process.kill()
    await telpher_process.start()
    await anna.wait_for(has_text("large.bin", "verified"), timeout_s=60)
    stored = await _files(sandbox)
    assert list(stored) == ["large.bin"]
    assert stored["large.bin"]["md5"] == hashlib.md5(_CONTENT).hexdigest()
    assert len([message for message in anna.messages if has_text("large.bin")(message)]) == 1
    assert await telpher_process.stop() == 0


async def test_a_log_in_that_ended_waits_for_a_new_one(
    telpher_process: TelpherProcess, telpher_settings: Settings, sandbox: Sandbox, anna: Person, tmp_path: Path
) -> None:
    connecting = TelpherProcess(telpher_settings, tmp_path / "connect.log")
    await connect_in_the_terminal(connecting, sandbox, tmp_path / "credentials.json")
    await google(sandbox, "POST", "revoke", account="anna@example.com")
    await telpher_process.start()
    await anna.send_file(b"patience", name="waits.txt")
    receipt = await anna.wait_for(has_text("waits.txt", "telpher connect google"), timeout_s=40)
    await connect_in_the_terminal(connecting, sandbox, tmp_path / "credentials.json")
    await anna.press(receipt, "Retry")
    await anna.wait_for(has_text("waits.txt", "verified"), timeout_s=40)
    assert list(await _files(sandbox)) == ["waits.txt"]
    await google(sandbox, "POST", "revoke", account="anna@example.com")
    await anna.send_file(b"more patience", name="waits-too.txt")
    await anna.wait_for(has_text("waits-too.txt", "telpher connect google"), timeout_s=40)
    assert await telpher_process.stop() == 0
    await connect_in_the_terminal(connecting, sandbox, tmp_path / "credentials.json")
    await telpher_process.start()
    await anna.wait_for(has_text("waits-too.txt", "verified"), timeout_s=40)
    assert await telpher_process.stop() == 0


async def test_the_quickstarts_token_file_works_too(
    telpher_settings: Settings, sandbox: Sandbox, anna: Person, tmp_path: Path
) -> None:
    token_file = tmp_path / "token.json"
    granted = await write_token(sandbox, token_file)
    process = TelpherProcess(
        dataclasses.replace(telpher_settings, google_token_file=token_file), tmp_path / "with-token.log"
    )
    try:
        await process.start()
        await anna.send_file(b"hello", name="hello.txt")
        await anna.wait_for(has_text("hello.txt", "verified"), timeout_s=40)
        assert list(await _files(sandbox)) == ["hello.txt"]
        assert await process.stop() == 0
        secrets = [granted["token"], granted["refresh_token"], granted["client_secret"]]
        assert not [secret for secret in secrets if secret in process.log]
    finally:
        await process.end()
