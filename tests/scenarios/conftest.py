"""Telpher as a whole, beside an offline Telegram: in this process (`telpher_running`) or in one of its own (`telpher_process`)."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.conftest import BOTH
from tests.driver import Person
from tests.driver.catalogues import LANGUAGES
from tests.scenarios.loop_watch import LoopWatch
from tests.scenarios.watched_run import MARK

from telpher.app import App
from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import Secret, Settings

_READY_LIMIT_S = 30.0
_END_LIMIT_S = 10.0
_TESTS = Path(__file__).parents[1]
BORIS_ID = OWNER_ID + 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked with `both_languages` is played twice, except where a closer mark says `one_language`."""
    marks = [
        mark.name for mark in metafunc.definition.iter_markers() if mark.name in {"both_languages", "one_language"}
    ]
    if marks and marks[0] == "both_languages" and "language" in metafunc.fixturenames:
        metafunc.parametrize("language", LANGUAGES)


@pytest.fixture
def language() -> str:
    """Anna's; Boris speaks the other one. Of the tests that are marked with `both_languages`, it is either."""
    return "en"


@pytest.fixture
async def sandbox(tmp_path: Path, language: str) -> AsyncIterator[Sandbox]:
    """An offline Telegram and Google."""
    async with Sandbox(state_dir=tmp_path / "sandbox") as running:
        if language != "en":
            async with Person(running.url, OWNER_ID) as anna, Person(running.url, BORIS_ID) as boris:
                await anna.set_language(language)
                await boris.set_language("en")
        yield running


both_databases = pytest.mark.parametrize("database_url", BOTH, indirect=True)
"""A test that runs over SQLite and over PostgreSQL."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The setting: nothing, for a file in Telpher's folder, except for those who are marked with `both_databases`.

    With TELPHER_TEST_DATABASE=postgresql in the environment all who are not marked have PostgreSQL too.
    """
    if getattr(request, "param", os.environ.get("TELPHER_TEST_DATABASE", "sqlite")) == "sqlite":
        return ""
    return str(request.getfixturevalue("postgresql").where)


@pytest.fixture
def telpher_settings(sandbox: Sandbox, tmp_path: Path, database_url: str) -> Settings:
    """Settings for the sandbox; a test file may override this fixture to change them."""
    return Settings(
        telegram_token=Secret(sandbox.token),
        owner_ids=(OWNER_ID,),
        telegram_api_url=sandbox.url,
        google_api_url=sandbox.url,
        google_oauth_url=sandbox.url,
        google_login_url=sandbox.url,
        data_dir=tmp_path / "data",
        database_url=Secret(database_url),
        web_port=0,
        compute_workers=2,
    )


def database_of(settings: Settings) -> Path | str:
    """What a test opens to look at what is stored, beside whoever runs with these settings."""
    return settings.database_of(settings.data_dir)


@dataclasses.dataclass
class TelpherRunning:
    """A Telpher in this process. `app` changes at a restart."""

    settings: Settings
    sandbox: Sandbox
    app: App

    @property
    def drive_dir(self) -> Path:
        """The folder drive's directory."""
        return self.settings.data_dir / "drive"

    async def restart(self) -> None:
        """Stop gracefully and start anew on the same state."""
        await self.app.stop()
        self.app = App(self.settings)
        await self.app.start()

    async def add_fault(self, **rule: Any) -> None:
        """Tell the sandbox to break something (the rules of `telpher.sandbox.faults`)."""
        await add_fault(self.sandbox, **rule)

    async def clear_faults(self) -> None:
        """Everything works again."""
        url = f"{self.sandbox.url}/sandbox/faults"
        async with aiohttp.ClientSession() as session, session.delete(url) as response:
            assert response.status < 300, await response.text()


async def add_fault(sandbox: Sandbox, **rule: Any) -> None:
    """Tell the sandbox to break something (the rules of `telpher.sandbox.faults`)."""
    async with aiohttp.ClientSession() as session, session.post(f"{sandbox.url}/sandbox/faults", json=rule) as response:
        assert response.status == 200, await response.text()


@pytest.fixture
async def telpher_running(sandbox: Sandbox, telpher_settings: Settings) -> AsyncIterator[TelpherRunning]:
    """A Telpher that serves the sandbox. The test fails when its code kept the event loop waiting."""
    with LoopWatch(asyncio.get_running_loop()) as watch:
        running = TelpherRunning(telpher_settings, sandbox, App(telpher_settings))
        await running.app.start()
        watch.blocked.clear()  # nobody waits for an answer while it starts
        try:
            yield running
        finally:
            blocked = list(watch.blocked)
            await running.app.stop()
    assert not blocked, "the event loop was kept waiting:\n" + "\n".join(blocked)


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Person]:
    """The owner, in the chat. Whichever language she speaks, the test reads English."""
    async with Person(sandbox.url, OWNER_ID, is_interpreted=True) as person:
        yield person


@pytest.fixture
async def boris(sandbox: Sandbox) -> AsyncIterator[Person]:
    """Another person, who speaks the other language. The test reads English."""
    async with Person(sandbox.url, BORIS_ID, is_interpreted=True) as person:
        yield person


@pytest.fixture
async def boris_himself(sandbox: Sandbox) -> AsyncIterator[Person]:
    """The same, read as he reads: in Russian."""
    async with Person(sandbox.url, BORIS_ID) as person:
        yield person


class TelpherProcess:
    """`telpher run` as a child process: started, killed, started again on the same state."""

    def __init__(self, settings: Settings, log_path: Path) -> None:
        self._settings = settings
        self._log_path = log_path
        self._child: asyncio.subprocess.Process | None = None
        self.output: list[str] = []
        """Lines of its standard output, of all lives."""

    @property
    def log(self) -> str:
        """Its standard error, of all lives."""
        return self._log_path.read_text() if self._log_path.exists() else ""

    @property
    def pid(self) -> int:
        """The process's id while it runs."""
        assert self._child is not None
        return self._child.pid

    @property
    def drive_dir(self) -> Path:
        """The folder drive's directory."""
        return self._settings.data_dir / "drive"

    async def start(self, *arguments: str, wait_until_ready: bool = True, **environment: str) -> None:
        """Start it; `environment` adds to its settings."""
        with self._log_path.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "telpher.cli" if arguments else "tests.scenarios.watched_run",
                *(arguments or ("run",)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self._log_path.parent,
                env=environment_of(self._settings) | {"PYTHONPATH": str(_TESTS.parent)} | environment,
            )
        if wait_until_ready:
            await self.wait_for_line("Ctrl-C stops it.")

    async def wait_for_line(self, line: str) -> None:
        """Until it prints a line that contains `line`."""
        assert self._child is not None
        assert self._child.stdout is not None
        async with asyncio.timeout(_READY_LIMIT_S):
            while printed := (await self._child.stdout.readline()).decode():
                self.output.append(printed.rstrip())
                if line in printed:
                    return
        raise AssertionError(f"it ended with {await self._child.wait()}:\n{self.log[-4000:]}")

    async def kill(self) -> None:
        """kill -9: nothing of it gets to say goodbye."""
        assert self._child is not None
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        await self._ended()

    async def wait_killed(self) -> None:
        """Until somebody's kill -9 has ended it."""
        assert await self.wait() == -signal.SIGKILL

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C (or another signal); the exit code."""
        assert self._child is not None
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(number)
        return await asyncio.wait_for(self._ended(), _END_LIMIT_S)

    async def wait(self) -> int:
        """Until it ends by itself; the exit code."""
        assert self._child is not None
        return await asyncio.wait_for(self._ended(), _READY_LIMIT_S)

    async def _ended(self) -> int:
        """Until it is gone and its output is read to the end, which closes the pipe; the exit code."""
        assert self._child is not None
        assert self._child.stdout is not None
        code = await self._child.wait()
        # Whoever waits for a line reads to the end already.
        with contextlib.suppress(RuntimeError):
            async with asyncio.timeout(_END_LIMIT_S):
                self.output += (await self._child.stdout.read()).decode().splitlines()
        return code

    async def end(self) -> None:
        """Whatever state it is in: it runs no longer."""
        if self._child is not None and self._child.returncode is None:
            await self.kill()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that gives a child these settings, and none of the settings of whoever runs the tests."""
    told = {
        "TELEGRAM_TOKEN": str(settings.telegram_token),
        "OWNER_IDS": ",".join(map(str, settings.owner_ids)),
        "TELEGRAM_API_URL": settings.telegram_api_url,
        "TELEGRAM_LOCAL": "yes" if settings.telegram_local else "no",
        "GOOGLE_API_URL": settings.google_api_url,
        "GOOGLE_OAUTH_URL": settings.google_oauth_url,
        "GOOGLE_LOGIN_URL": settings.google_login_url,
        "DRIVE": settings.drive.value,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": str(settings.database_url),
        "GOOGLE_CREDENTIALS_FILE": str(settings.google_credentials_file or ""),
        "GOOGLE_WHOLE_DRIVE_CREDENTIALS_FILE": str(settings.google_whole_drive_credentials_file or ""),
        "GOOGLE_TOKEN_FILE": str(settings.google_token_file or ""),
        "WEB_PORT": str(settings.web_port),
        "SANDBOX_PORT": "0",
        "COMPUTE_WORKERS": str(settings.compute_workers),
        "TRANSFERS_TOTAL": str(settings.transfers_total),
        "TRANSFERS_PER_PERSON": str(settings.transfers_per_person),
        "LOG_FORMAT": "text",
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {name: value for name, value in (inherited | told).items() if value}


@pytest.fixture
async def telpher_process(
    sandbox: Sandbox, telpher_settings: Settings, tmp_path: Path
) -> AsyncIterator[TelpherProcess]:
    """Not started yet: `await telpher_process.start()`. The test fails when its code kept the event loop waiting."""
    process = TelpherProcess(telpher_settings, tmp_path / "telpher.log")
    yield process
    await process.end()
    assert MARK not in process.log, process.log[process.log.index(MARK) :][:4000]
