"""kill -9 while one message tells of many files: however often, each file is shown by it once, and it ends with all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.driver import Person
from tests.scenarios.conftest import TelpherProcess
from tests.scenarios.crash_rig import Story, WatchedSandbox, assert_nothing_lost_or_doubled, google_settings

from telpher.settings import Settings

_LIMIT_S = 40.0
_JOIN_AT_ONCE = 5

_IS_OPEN = "view = 'burst' AND NOT is_settled"
STEPS = (
    ("its message is about to be sent", "/sendMessage", False, f"{_IS_OPEN} AND message_id IS NULL"),
    ("its message is sent, and we do not know", "/sendMessage", True, f"{_IS_OPEN} AND message_id IS NULL"),
    ("its message is about to be edited", "/editMessageText", False, f"{_IS_OPEN} AND message_id IS NOT NULL"),
    ("its message is edited, and we do not know", "/editMessageText", True, f"{_IS_OPEN} AND message_id IS NOT NULL"),
    ("its files are fetched anew", "/getFile", False, f"{_IS_OPEN} AND message_id IS NOT NULL"),
)
_ALL_ARE_IN_THE_DRIVE = f"""{_IS_OPEN} AND message_id IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM receipt_jobs JOIN jobs ON jobs.id = job_id WHERE receipt_id = receipts.id AND state <> 'succeeded')"""


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[WatchedSandbox]:
    async with WatchedSandbox(state_dir=tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
async def telpher_settings(sandbox: WatchedSandbox, tmp_path: Path) -> Settings:
    return await google_settings(sandbox, tmp_path, database_url="")


def _holds(data_dir: Path, condition: str) -> bool:
    with contextlib.closing(sqlite3.connect(data_dir / "telpher.db")) as database:
        return bool(database.execute(f"SELECT count(*) FROM receipts WHERE {condition}").fetchone()[0])


def _kill_when(story: Story, request: str, *, is_done: bool, condition: str) -> asyncio.Event:
    """At such a request, once there is a receipt for which `condition` holds."""
    killed = asyncio.Event()

    def hear(line: str, line_is_done: bool) -> None:
        if killed.is_set() or line_is_done is not is_done or not re.search(request, line):
            return
        if _holds(story.settings.data_dir, condition):
            os.kill(story.process.pid, signal.SIGKILL)
            killed.set()

    story.sandbox.watch.hear = hear
    return killed


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_a_burst_that_is_killed_at_every_step_ends_with_all_its_files(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, telpher_settings: Settings, anna: Person
) -> None:
    story = Story(telpher_process, sandbox, anna, telpher_settings, random.Random(5))
    # As long as nothing gets into the drive, everything that comes goes into one burst: whatever the speed of this machine.
    with sandbox.watch.hold("/upload/"):
        for name, request, is_done, condition in STEPS:
            killed = _kill_when(story, request, is_done=is_done, condition=condition)
            await telpher_process.start(wait_until_ready=False)
            for number in range(_JOIN_AT_ONCE):
                await story.send_another(is_big=number == 0)
            async with asyncio.timeout(_LIMIT_S):
                await killed.wait()
            await telpher_process.wait_killed()
            story.killed_at[name] += 1
    killed = _kill_when(story, "/editMessageText", is_done=True, condition=_ALL_ARE_IN_THE_DRIVE)
    await telpher_process.start(wait_until_ready=False)
    async with asyncio.timeout(_LIMIT_S):
        await killed.wait()
    await telpher_process.wait_killed()
    await story.end()

    assert set(story.killed_at) == {step[0] for step in STEPS}
    await assert_nothing_lost_or_doubled(story)
