"""The Telpher of the scenarios; its loop is not timed, as hypothesis thinks beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.driver import Person
from tests.scenarios.conftest import TelpherRunning, database_url, language, sandbox, telpher_settings  # noqa: F401 - fixtures

from telpher.app import App
from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import Settings


@pytest.fixture
async def telpher_running(sandbox: Sandbox, telpher_settings: Settings) -> AsyncIterator[TelpherRunning]:  # noqa: F811
    running = TelpherRunning(telpher_settings, sandbox, App(telpher_settings))
    await running.app.start()
    yield running
    await running.app.stop()


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Person]:  # noqa: F811
    """The owner, whose updates claim another language each time: what she is told is in that one."""
    async with Person(sandbox.url, OWNER_ID) as person:
        yield person
        person.complaints.clear()
