"""The same bot over Google Drive: receipts with a link, undo out of Google's trash, and faults told in plain words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.driver import Person, buttons_of, has_text
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import OWN_FILES, google, over_google

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path, (1001,), scope=OWN_FILES)


async def files(running: TelpherRunning) -> list[dict[str, Any]]:
    listed = await google(running.sandbox, "GET", "files")
    return [entry for entry in listed if not entry["is_folder"] and not entry.get("trashed")]


async def test_a_file_there_and_back(telpher_running: TelpherRunning, anna: Person) -> None:
    content = os.urandom(6_000_000)
    sent = await anna.send_file(content, name="holiday.zip", kind="document")
    receipt = await anna.wait_for(has_text("holiday.zip", "verified"), after=sent, timeout_s=30)
    opens = next(button for button in buttons_of(receipt) if "Open" in button["text"])
    assert opens["url"].startswith("http")
    assert len(await files(telpher_running)) == 1
    await anna.press(receipt, "Get back")
    returned = await anna.wait_for(lambda message: "document" in message, after=receipt)
    assert await anna.download(returned) == content


async def test_delete_and_undo_in_googles_trash(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.send_file(b"precious", name="precious.txt", kind="document")
    receipt = await anna.wait_for(has_text("precious.txt", "verified"))
    await anna.press(receipt, "Delete")
    trashed = await anna.wait_for(has_text("precious.txt", "Moved to the trash"))
    toast = await anna.press(trashed, "Undo")
    assert not toast.is_alert
    await anna.wait_for(has_text("precious.txt", "Back from the trash"))
    listing = await anna.ask("/files", has_text("Your drive"))
    labels = [button["text"] for button in buttons_of(listing)]
    assert any("precious.txt" in label or "Telpher" in label for label in labels)


async def test_a_full_drive_says_what_to_do_and_goes_on_afterwards(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    await google(telpher_running.sandbox, "POST", "quota", free_bytes=0)
    await anna.send_file(os.urandom(50_000), name="too much.bin", kind="document")
    paused = await anna.wait_for(has_text("too much.bin", "Your drive is full", "Retry"))
    await google(telpher_running.sandbox, "POST", "quota", free_bytes=10_000_000)
    await anna.press(paused, "Retry")
    await anna.wait_for(has_text("too much.bin", "verified"), timeout_s=30)
    assert len(await files(telpher_running)) == 1


async def test_a_login_that_has_ended_says_what_to_do(telpher_running: TelpherRunning, anna: Person) -> None:
    await google(telpher_running.sandbox, "POST", "revoke")
    await anna.send_file(os.urandom(50_000), name="locked out.bin", kind="document")
    await anna.wait_for(has_text("locked out.bin", "no longer lets me in", "telpher connect google"))
    await anna.ask("/files", has_text("no longer lets me in"))
