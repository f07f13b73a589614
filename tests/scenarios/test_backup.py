"""A backup taken in the middle of a transfer, put back on another machine, goes on there: nothing lost, nothing doubled."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import OWN_FILES, google, over_google

from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings
from telpher.store import archive


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path, (1001,), scope=OWN_FILES)


async def test_a_transfer_goes_on_where_the_backup_is_put_back(
    telpher_running: TelpherRunning, anna: Person, tmp_path: Path
) -> None:
    content = os.urandom(9_000_000)
    await telpher_running.add_fault(match="^GET /file/", kind="bandwidth", direction="down", bytes_per_s=1_500_000)
    await anna.send_file(content, name="moving house.bin", kind="document")
    await anna.wait_for(has_text("moving house.bin", "%"), timeout_s=30)
    backup = tmp_path / "backup.tar.gz"
    archive.back_up(telpher_running.settings.data_dir, backup)
    await telpher_running.app.stop()
    await telpher_running.clear_faults()

    elsewhere = dataclasses.replace(telpher_running.settings, data_dir=tmp_path / "another machine")
    archive.restore(backup, elsewhere.data_dir)
    telpher_running.settings = elsewhere
    telpher_running.app = App(elsewhere)
    await telpher_running.app.start()
    await anna.wait_for(has_text("moving house.bin", "verified"), timeout_s=60)
    listed = await google(telpher_running.sandbox, "GET", "files")
    (stored,) = [entry for entry in listed if not entry["is_folder"]]
    assert stored["name"] == "moving house.bin"
    assert stored["md5"] == hashlib.md5(content).hexdigest()
