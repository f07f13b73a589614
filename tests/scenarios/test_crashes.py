"""kill -9 at every named step and at random instants, with faults on: nothing lost, nothing doubled, nothing left behind.

The sandbox lives in this process and watches what Telpher asks of it, so a step is an instant that the outside can see: a request that
arrives, or one whose work is done while its answer is not on the way yet. Telpher is `telpher run`, and knows nothing of it.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import hashlib
import os
import random
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from tests.driver import Person, buttons_of, text_of
from tests.scenarios.conftest import TelpherProcess, add_fault, database_of
from tests.scenarios.google_rig import google, write_token
from tests.scenarios.waits import from_bot

from telpher.sandbox.faults import FAULTS
from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import DriveKind, Secret, Settings
from telpher.store import open_store

KILLS_PER_SEED = 27
SEEDS = (
    (0, "sqlite"),
    (1, "sqlite"),
    pytest.param(2, "postgresql", marks=pytest.mark.postgresql),
    pytest.param(3, "postgresql", marks=pytest.mark.postgresql),
)
"""Every step comes once in two seeds: so each database meets each."""
_UNFINISHED_FILES = 3
_STEP_LIMIT_S = 5.0
_TOGETHER = re.compile(r"✅ (\d+) (?:files? )?in the drive")
_NAME = re.compile(r"[\w-]+\.bin")


@dataclasses.dataclass(frozen=True)
class Step:
    """An instant: a request of this kind arrives, or its work is done (`is_done`); then so many seconds more at most."""

    name: str
    pattern: str
    is_done: bool = False
    later_s: float = 0.0


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


class Watch:
    """Hears of every request that the sandbox serves."""

    def __init__(self) -> None:
        self.hear: Callable[[str, bool], None] = lambda _request, _is_done: None

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        line = f"{request.method} {request.path_qs}"
        self.hear(line, False)
        response = await handler(request)
        self.hear(line, True)
        return response


class WatchedSandbox(Sandbox):
    """A sandbox that tells of each request. `watch` is the innermost: what it hears is done has been done."""

    def __init__(self, *, state_dir: Path) -> None:
        super().__init__(state_dir=state_dir)
        self.watch = Watch()

    def application(self) -> web.Application:
        app = super().application()
        app.middlewares.append(self.watch.middleware)
        return app


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[WatchedSandbox]:
    async with WatchedSandbox(state_dir=tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
async def telpher_settings(sandbox: WatchedSandbox, tmp_path: Path) -> Settings:
    token_file = tmp_path / "token.json"
    await write_token(sandbox, token_file)
    return Settings(
        telegram_token=Secret(sandbox.token),
        owner_ids=(OWNER_ID,),
        telegram_api_url=sandbox.url,
        google_api_url=sandbox.url,
        google_oauth_url=sandbox.url,
        google_token_file=token_file,
        drive=DriveKind.GOOGLE,
        data_dir=tmp_path / "data",
        web_port=0,
    )


class Story:
    """Files that keep coming, and a Telpher that keeps dying."""

    def __init__(
        self, process: TelpherProcess, sandbox: WatchedSandbox, anna: Person, settings: Settings, chance: random.Random
    ) -> None:
        self.process = process
        self.sandbox = sandbox
        self.anna = anna
        self.settings = settings
        self.chance = chance
        self.sent: dict[str, str] = {}
        """Name → MD5 of every file that a person has sent."""
        self.killed_at: collections.Counter[str] = collections.Counter()

    async def send_another(self, *, is_big: bool) -> None:
        content, name = self._make(is_big=is_big)
        await self.anna.send_file(content, name=name, kind="document")

    async def send_album(self) -> None:
        """What has a receipt of its own however many files are under way."""
        await self.anna.send_album([self._make(is_big=False) for _ in range(2)], kind="document")

    def _make(self, *, is_big: bool) -> tuple[bytes, str]:
        size_bytes = self.chance.randrange(5_100_000, 8_000_000) if is_big else self.chance.randrange(1, 300_000)
        content = self.chance.randbytes(size_bytes)
        name = f"file-{len(self.sent)}.bin"
        self.sent[name] = hashlib.md5(content).hexdigest()
        return content, name

    def unverified(self) -> int:
        """Of how many files no receipt says yet that they are in the drive; each has one, of its own or with others."""
        return len(self.sent) - sum(_verified_in(text_of(message)) for message in from_bot(self.anna))

    async def listed(self) -> list[str]:
        """The names that receipts show as verified, those of many files by their lists."""
        names = []
        for message in from_bot(self.anna):
            if not _verified_in(text_of(message)):
                continue
            if not _TOGETHER.search(text_of(message)):
                names += _NAME.findall(text_of(message))
                continue
            await self.anna.press(message, "Show the files")
            names += _NAME.findall(text_of(self.anna.message(message)))
            while any("Next" in one["text"] for one in buttons_of(self.anna.message(message))):
                await self.anna.press(self.anna.message(message), "Next ›")
                names += _NAME.findall(text_of(self.anna.message(message)))
            await self.anna.press(self.anna.message(message), "‹ Back")
        return sorted(names)

    async def kill_at(self, step: Step | None, limit_s: float = _STEP_LIMIT_S) -> None:
        """Let it live until `step` (or a random instant), and not a moment longer."""
        died = asyncio.Event()
        loop = asyncio.get_running_loop()

        def kill() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            died.set()

        def hear(request: str, is_done: bool) -> None:
            if step is None or died.is_set() or is_done is not step.is_done or not re.search(step.pattern, request):
                return
            self.sandbox.watch.hear = lambda _request, _is_done: None
            self.killed_at[step.name] += 1
            loop.call_later(self.chance.uniform(0, step.later_s), kill) if step.later_s else kill()

        await self.process.start(wait_until_ready=False)
        self.sandbox.watch.hear = hear
        if step is not None and "sendMessage" in step.pattern:
            await self.send_album()
        elif step is not None:
            await self.send_another(is_big=not re.search("multipart", step.pattern))
        while self.unverified() < _UNFINISHED_FILES:
            await self.send_another(is_big=self.chance.random() < 0.4)
        try:
            async with asyncio.timeout(limit_s if step else self.chance.uniform(0.0, 1.8)):
                await died.wait()
        except TimeoutError:
            self.killed_at["some instant"] += 1
            kill()
        self.sandbox.watch.hear = lambda _request, _is_done: None
        await self.process.kill()

    async def end(self) -> None:
        """Live at last, without faults, until every file is verified."""
        await self.process.start()
        await self.end_running()

    async def end_running(self) -> None:
        async with asyncio.timeout(60):
            while self.unverified():
                await asyncio.sleep(0.1)
        assert await self.listed() == sorted(self.sent)
        await self.process.stop()


def _verified_in(text: str) -> int:
    """How many files a receipt says are in the drive."""
    if together := _TOGETHER.search(text):
        return int(together[1])
    if "All in the drive, verified" in text:
        return len(_NAME.findall(text))
    return int("In the drive, verified" in text)


async def _assert_nothing_lost_or_doubled(story: Story) -> None:
    kept = [one for one in await google(story.sandbox, "GET", "files") if not one["is_folder"]]
    arrived = sorted((one["name"], one["md5"]) for one in kept if not one["is_trashed"])
    assert arrived == sorted(story.sent.items())
    assert not [one["name"] for one in kept if one["is_trashed"]]
    assert list((story.settings.data_dir / "spool").iterdir()) == []
    store = open_store(database_of(story.settings))

    async def told(query: str) -> list[tuple[object, ...]]:
        return await store.read(lambda connection: [tuple(row) for row in connection.execute(sa.text(query))])

    try:
        assert await told("SELECT DISTINCT state FROM transfers") == [("verified",)]
        assert await told("SELECT DISTINCT state FROM jobs") == [("succeeded",)]
        assert await told("SELECT count(*) FROM jobs") == [(len(story.sent),)]
        assert await told("SELECT DISTINCT state FROM inbox") == [("done",)]
        assert await told("SELECT DISTINCT is_settled FROM receipts") == [(True,)]
        shown = await told("SELECT count(*), count(DISTINCT job_id) FROM receipt_jobs")
        assert shown == [(len(story.sent), len(story.sent))], "each file is shown by exactly one receipt"
        if not story.settings.database_url:
            assert await told("PRAGMA integrity_check") == [("ok",)]
    finally:
        await store.close()


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
    await _assert_nothing_lost_or_doubled(story)


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
    await _assert_nothing_lost_or_doubled(story)


def _log(sandbox: WatchedSandbox, method: str) -> list[Any]:
    assert sandbox._runner is not None
    log = sandbox._runner.app[FAULTS].log
    return [entry for entry in log if entry.method == method and entry.path.startswith("/upload/")]
