"""The Telpher of the scenarios; its loop is not timed, as hypothesis thinks beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.scenarios.conftest import TelpherRunning, anna, sandbox, telpher_settings  # noqa: F401 - fixtures

from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings


@pytest.fixture
async def telpher_running(sandbox: Sandbox, telpher_settings: Settings) -> AsyncIterator[TelpherRunning]:  # noqa: F811
    running = TelpherRunning(telpher_settings, sandbox, App(telpher_settings))
    await running.app.start()
    yield running
    await running.app.stop()
