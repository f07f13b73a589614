"""Telpher as the service manager sees it: ready, alive, stopping, and nothing lost by a stop in the middle of a file."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherProcess, add_fault

from telpher.sandbox.service import Sandbox

_CONTENT = os.urandom(3_000_000)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What listens at NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(20)
        yield listener


async def _hears(manager: socket.socket, state: str) -> None:
    while (await asyncio.to_thread(manager.recv, 4096)).decode() != state:
        pass


async def test_ready_alive_stopping(
    telpher_process: TelpherProcess, anna: Person, sandbox: Sandbox, manager: socket.socket, tmp_path: Path
) -> None:
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    await telpher_process.start(**told)
    await _hears(manager, "READY=1")
    for _ in range(3):
        await _hears(manager, "WATCHDOG=1")

    # A stop in the middle of a file: it is said, it is quick, and the file is complete after the next start.
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=500_000, direction="down", times=1)
    await anna.send_file(_CONTENT, name="half.bin")
    await anna.wait_for(has_text("half.bin", "%"))
    stopping = asyncio.gather(telpher_process.stop(signal.SIGTERM), _hears(manager, "STOPPING=1"))
    assert (await stopping)[0] == 0
    await telpher_process.start(**told)
    await _hears(manager, "READY=1")
    await anna.wait_for(has_text("half.bin", "verified"))
    (stored,) = telpher_process.drive_dir.rglob("half.bin")
    assert stored.read_bytes() == _CONTENT
