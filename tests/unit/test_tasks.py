"""The nursery: every background task is held, and its failure is heard."""

from __future__ import annotations

import asyncio
import logging

import pytest

from telpher.tasks import Nursery


async def test_a_failed_task_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()

    async def fail() -> None:
        raise ValueError("broken")

    async def go_on() -> None:
        await asyncio.sleep(0)
        done.set()

    async with Nursery("test") as nursery:
        nursery.spawn(fail(), name="fails")
        nursery.spawn(go_on(), name="goes-on")
        assert await nursery.drain(timeout_s=5)
    assert done.is_set()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "test/fails" in record.getMessage()
    assert record.exc_info is not None


async def test_leaving_cancels_what_still_runs() -> None:
    was_cancelled = False

    async def wait() -> None:
        nonlocal was_cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_cancelled = True
            raise

    async with Nursery("test") as nursery:
        nursery.spawn(wait(), name="waits")
        await asyncio.sleep(0)
        assert not await nursery.drain(timeout_s=0.01)
    assert was_cancelled
    assert len(nursery) == 0


async def test_a_closed_nursery_takes_no_more() -> None:
    nursery = Nursery("test")
    await nursery.close()
    with pytest.raises(RuntimeError, match="closed"):
        nursery.spawn(asyncio.sleep(0), name="late")
