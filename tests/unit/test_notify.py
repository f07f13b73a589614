"""What the service manager hears."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from pathlib import Path

import pytest

from telpher import notify


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


def test_it_hears_that_we_are_ready_and_that_we_stop(manager: socket.socket) -> None:
    notify.ready()
    assert manager.recv(100) == b"READY=1"
    notify.stopping()
    assert manager.recv(100) == b"STOPPING=1"


async def test_the_loop_feeds_the_watchdog(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    feeding = asyncio.ensure_future(notify.keep_watchdog_fed())  # noqa: TID251 - the test ends it below
    for _ in range(3):
        assert await asyncio.to_thread(manager.recv, 100) == b"WATCHDOG=1"
    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding


async def test_a_loop_that_stands_still_does_not_say_that_it_is_alive(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    feeding = asyncio.ensure_future(notify.keep_watchdog_fed())  # noqa: TID251 - the test ends it below
    assert await asyncio.to_thread(manager.recv, 100) == b"WATCHDOG=1"
    manager.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while manager.recv(100):  # what was said before
            pass
    time.sleep(0.1)  # the loop stands still
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding


async def test_without_a_watchdog_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.ready()
    await asyncio.wait_for(notify.keep_watchdog_fed(), 1)
