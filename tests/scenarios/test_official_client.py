"""Google's own Python client sees the drive as the bot says it is, after each thing that a person does in the chat."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import googleapiclient.discovery
import pytest
from google.oauth2.credentials import Credentials
from tests.contracts.google_rig import discovery
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import OWN_FILES, over_google

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path, (1001,), scope=OWN_FILES)


@pytest.fixture
async def ask_google(sandbox: Sandbox, telpher_settings: Settings) -> Callable[[Callable[[Any], Any]], Any]:
    """Runs a function with the official client's `files()`, in a thread: that client blocks."""
    assert telpher_settings.google_token_file is not None
    granted = json.loads(telpher_settings.google_token_file.read_text())
    document = {**discovery(), "rootUrl": f"{sandbox.url}/", "baseUrl": f"{sandbox.url}/drive/v3/"}

    def with_client(work: Callable[[Any], Any]) -> Any:
        credentials = Credentials(
            token=granted.get("token"),
            refresh_token=granted["refresh_token"],
            token_uri=granted["token_uri"],
            client_id=granted["client_id"],
            client_secret=granted["client_secret"],
        )
        service = googleapiclient.discovery.build_from_document(document, credentials=credentials)
        try:
            return work(service.files())
        finally:
            service.close()

    async def ask(work: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(with_client, work)

    return ask


def _named(name: str) -> Callable[[Any], list[dict[str, Any]]]:
    fields = "files(id,name,md5Checksum,trashed,starred,parents,size)"
    return lambda files: files.list(q=f"name = '{name}'", fields=fields).execute()["files"]


async def test_each_step_is_seen_from_outside(
    telpher_running: TelpherRunning, anna: Person, ask_google: Callable[[Any], Any]
) -> None:
    content = os.urandom(700_000)
    await anna.send_file(content, name="plan.bin", kind="document")
    receipt = await anna.wait_for(has_text("plan.bin", "verified"), timeout_s=30)
    (stored,) = await ask_google(_named("plan.bin"))
    assert stored["md5Checksum"] == hashlib.md5(content).hexdigest()
    assert int(stored["size"]) == len(content)
    assert await ask_google(lambda files: files.get_media(fileId=stored["id"]).execute()) == content

    await anna.press(receipt, "Rename")
    await anna.wait_for(has_text("plan.bin", "new name"))
    await anna.send_text("it's the plan")
    await anna.wait_for(has_text("it's the plan.bin", "Renamed"))
    (seen,) = await ask_google(_named("it\\'s the plan.bin"))
    assert seen["id"] == stored["id"]

    await anna.press(receipt, "Delete")
    trashed = await anna.wait_for(has_text("it's the plan.bin", "Moved to the trash"))
    (seen,) = await ask_google(_named("it\\'s the plan.bin"))
    assert seen["trashed"]

    await anna.press(trashed, "Undo")
    await anna.wait_for(has_text("it's the plan.bin", "Back from the trash"))
    (seen,) = await ask_google(_named("it\\'s the plan.bin"))
    assert not seen["trashed"]
    assert seen["parents"] == stored["parents"]
