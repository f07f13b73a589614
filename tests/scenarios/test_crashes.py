"""kill -9 at every named step and at random instants, with faults on: nothing lost, nothing doubled, nothing left behind.

The sandbox lives in this process and watches what Telpher asks of it, so a step is an instant that the outside can see: a request that
arrives, or one whose work is done while its answer is not on the way yet. Telpher is `telpher run`, and knows nothing of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.driver import Person
from tests.scenarios.conftest import TelpherProcess, add_fault
from tests.scenarios.crash_rig import Step, Story, WatchedSandbox, assert_nothing_lost_or_doubled, google_settings
from tests.scenarios.google_rig import google

from telpher.sandbox.faults import FAULTS
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

KILLS_PER_SEED = 27
SEEDS = (
    (0, "sqlite"),
    (1, "sqlite"),
    pytest.param(2, "postgresql", marks=pytest.mark.postgresql),
    pytest.param(3, "postgresql", marks=pytest.mark.postgresql),
)
"""Every step comes once in two seeds: so each database meets each."""

STEPS = (
    Step("an update is on its way to us", r"/getUpdates", is_done=True),
    Step("an update is stored and about to be confirmed", r"/getUpdates"),
    Step("the receipt is about to be sent", r"/sendMessage"),
    Step("the receipt is sent, and we do not know", r"/sendMessage", is_done=True),
    Step("Telegram is asked where the file lies", r"/getFile"),
    Step("the download begins", r"GET /file/"),
    Step("in the middle of a download", r"GET /file/", later_s=0.3),
    Step("a session is asked for", r"POST /upload/.*resumable"),
    Step("a session is open, and we do not know", r"POST /upload/.*resumable", is_done=True),
    Step("a small file is about to be sent", r"POST /upload/.*multipart"),
    Step("a small file has landed, and we do not know", r"POST /upload/.*multipart", is_done=True),
    Step("the upload begins", r"PUT /upload/"),
    Step("in the middle of an upload", r"PUT /upload/", later_s=0.3),
    Step("the drive has all, and we do not know", r"PUT /upload/", is_done=True),
    Step("the receipt is about to be edited", r"/editMessageText"),
    Step("the receipt is edited, and we do not know", r"/editMessageText", is_done=True),
)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[WatchedSandbox]:
    async with WatchedSandbox(state_dir=tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
async def telpher_settings(sandbox: WatchedSandbox, tmp_path: Path, database_url: str) -> Settings:
    return await google_settings(sandbox, tmp_path, database_url)


def _plan(chance: random.Random, seed: int) -> list[Step | None]:
    """Every step once in two seeds, the rest at random."""
    steps: list[Step | None] = [step for number, step in enumerate(STEPS) if number % 2 == seed % 2]
    plan = steps + [None] * (KILLS_PER_SEED - len(steps))
    chance.shuffle(plan)
    return plan


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("seed", "database_url"), SEEDS, indirect=["database_url"])
async def test_killed_again_and_again_it_loses_and_doubles_nothing(
    seed: int, telpher_process: TelpherProcess, sandbox: WatchedSandbox, telpher_settings: Settings, anna: Person
) -> None:
    chance = random.Random(seed)
    story = Story(telpher_process, sandbox, anna, telpher_settings, chance)
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=30_000_000, direction="down")
    await add_fault(sandbox, match="PUT /upload/", kind="bandwidth", bytes_per_s=20_000_000, direction="up")
    for rule in (
        {"match": "GET /file/", "kind": "cut_response", "after_bytes": 3_000_000},
        {"match": "PUT /upload/", "kind": "cut_request", "after_bytes": 4_000_000},
        {"match": "/upload/", "kind": "drop_answer"},
        {"match": "/(upload|drive)/", "kind": "status", "status": 503},
        {"match": "PUT /upload/", "kind": "partial", "after_bytes": 1 << 20},
        {"match": "/getFile", "kind": "status", "status": 429, "retry_after": 0},
    ):
        await add_fault(sandbox, **rule, probability=0.08, seed=seed)

    plan = _plan(chance, seed)
    for step in plan:
        await story.kill_at(step)
    await _clear_faults(sandbox)
    await story.end()
    for step in plan:
        # What a fault or a slow machine kept from happening happens now.
        if step is not None and step.name not in story.killed_at:
            await story.kill_at(step, limit_s=20)
    await story.end()

    assert story.killed_at.total() >= KILLS_PER_SEED
    assert {step.name for step in plan if step is not None} <= set(story.killed_at)
    await assert_nothing_lost_or_doubled(story)


async def _clear_faults(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session, session.delete(f"{sandbox.url}/sandbox/faults") as answer:
        assert answer.status == 200


async def test_bytes_that_the_drive_has_are_not_sent_again_after_a_kill(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, telpher_settings: Settings, anna: Person
) -> None:
    story = Story(telpher_process, sandbox, anna, telpher_settings, random.Random(1))
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=6_000_000, direction="down")
    content = random.Random(2).randbytes(12_000_000)
    story.sent["long.bin"] = hashlib.md5(content).hexdigest()
    await telpher_process.start()
    await anna.send_file(content, name="long.bin", kind="document")
    for held_bytes in (2_000_000, 5_000_000, 8_000_000):
        async with asyncio.timeout(20):
            while not any(one["held_bytes"] >= held_bytes for one in await google(sandbox, "GET", "sessions")):
                await asyncio.sleep(0.02)
        await telpher_process.kill()
        await telpher_process.start()
    await story.end_running()

    sent = [entry.bytes_in for entry in _log(sandbox, "PUT") if entry.bytes_in]
    assert len(sent) >= 3
    # Each kill may waste what had left us but had not been kept: at most one piece.
    assert sum(sent) - len(content) <= (len(sent) - 1) * (1 << 20)
    await assert_nothing_lost_or_doubled(story)


def _log(sandbox: WatchedSandbox, method: str) -> list[Any]:
    assert sandbox._runner is not None
    log = sandbox._runner.app[FAULTS].log
    return [entry for entry in log if entry.method == method and entry.path.startswith("/upload/")]
