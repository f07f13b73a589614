"""A drive that takes its time keeps nobody from cancelling."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import OWN_FILES, over_google
from tests.scenarios.waits import from_bot

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path, (1001,), scope=OWN_FILES)


async def test_cancel_acts_while_the_chat_waits_for_a_slow_drive(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.send_file(b"warm", name="warm.txt", kind="document")
    await anna.wait_for(has_text("warm.txt", "verified"))
    await telpher_running.add_fault(match="GET /file/", kind="bandwidth", bytes_per_s=500_000, direction="down")
    await anna.send_file(os.urandom(9_000_000), name="long.bin", kind="document")
    receipt = await anna.wait_for(has_text("long.bin", "%"))

    await telpher_running.add_fault(match="GET /drive/v3/files", kind="delay", delay_s=4)
    asked = await anna.send_text("/files")
    later = await anna.send_text("/hello")
    toast = await anna.press(receipt, "Cancel")
    assert toast.text == "Cancelled"
    await anna.wait_for(has_text("long.bin", "cancelled"))
    assert not [message for message in from_bot(anna) if message["message_id"] > asked["message_id"]]

    # What was said before is answered in its order.
    await anna.wait_for(has_text("Hello"), timeout_s=60, after=later)
    answers = [message for message in from_bot(anna) if message["message_id"] > later["message_id"]]
    assert [has_text("Hello")(message) for message in answers] == [False, True]
