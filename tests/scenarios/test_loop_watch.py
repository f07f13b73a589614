"""The watch over the event loop sees what it should, and only that."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.scenarios.loop_watch import LoopWatch

from telpher.logs import Redactor


async def test_code_of_ours_that_holds_the_loop_is_found() -> None:
    text = "no secret in here " * 100_000
    redactor = Redactor()
    with LoopWatch(asyncio.get_running_loop()) as watch:
        await asyncio.sleep(0.05)
        ends_at = time.thread_time() + 0.4
        while time.thread_time() < ends_at:
            redactor.strike(text)
        await asyncio.sleep(0.05)
    assert len(watch.blocked) == 1
    assert "logs.py" in watch.blocked[0]


async def test_waiting_threads_and_foreign_code_are_not() -> None:
    def work() -> None:
        ends_at = time.thread_time() + 0.3
        while time.thread_time() < ends_at:
            pass

    with LoopWatch(asyncio.get_running_loop()) as watch, ThreadPoolExecutor(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, work)
        await asyncio.sleep(0.6)
        work()
    assert watch.blocked == []
    assert not [thread for thread in threading.enumerate() if thread.name == "loop-watch"]
