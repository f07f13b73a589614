"""What the crash scenarios share: a sandbox that tells of each request and may hold it up, and a bot that keeps dying over its files."""

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
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aiohttp import web
from tests.driver import Person, buttons_of, text_of
from tests.scenarios.conftest import TelpherProcess, database_of
from tests.scenarios.google_rig import google, write_token
from tests.scenarios.waits import from_bot

from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import DriveKind, Secret, Settings
from telpher.store import open_store

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


class Watch:
    """Hears of every request that the sandbox serves, and may hold some of them up."""

    def __init__(self) -> None:
        self.hear: Callable[[str, bool], None] = lambda _request, _is_done: None
        self._holds: dict[asyncio.Event, tuple[str, bool]] = {}
        self.loses = ""
        """Requests like this never arrive: their sender dies first."""

    @contextlib.contextmanager
    def hold(self, pattern: str, *, is_done: bool = False) -> Iterator[None]:
        """Requests like this get no further (those whose work `is_done` no answer) until this ends, whoever has died meanwhile."""
        end = asyncio.Event()
        self._holds[end] = (pattern, is_done)
        try:
            yield
        finally:
            del self._holds[end]
            end.set()

    async def _pass(self, line: str, *, is_done: bool) -> None:
        self.hear(line, is_done)
        for end, (pattern, of_done) in list(self._holds.items()):
            if of_done is is_done and re.search(pattern, line):
                await end.wait()

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        line = f"{request.method} {request.path_qs}"
        await self._pass(line, is_done=False)
        if self.loses and re.search(self.loses, line):
            while request.transport is not None:
                await asyncio.sleep(0.01)
            raise web.HTTPBadRequest
        response = await handler(request)
        await self._pass(line, is_done=True)
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


def kill_at(process: TelpherProcess, sandbox: WatchedSandbox, pattern: str, *, is_done: bool) -> None:
    """Let it die when such a request arrives, or when its work `is_done` and nobody has been told yet."""

    def hear(request: str, request_is_done: bool) -> None:
        if request_is_done is is_done and re.search(pattern, request):
            sandbox.watch.hear = lambda _request, _is_done: None
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    sandbox.watch.hear = hear


async def google_settings(sandbox: Sandbox, tmp_path: Path, database_url: str) -> Settings:
    """A Telpher over the sandbox's Google, whose owner has logged in."""
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
        database_url=Secret(database_url),
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


async def assert_nothing_lost_or_doubled(story: Story) -> None:
    kept = [one for one in await google(story.sandbox, "GET", "files") if not one["is_folder"]]
    arrived = sorted((one["name"], one["md5"]) for one in kept if not one["is_trashed"])
    assert arrived == sorted(story.sent.items())
    assert not [one["name"] for one in kept if one["is_trashed"]]
    assert list((story.settings.data_dir / "spool").iterdir()) == []
    store = open_store(database_of(story.settings))

    async def told(query: str) -> list[tuple[Any, ...]]:
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
