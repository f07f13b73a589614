"""What a cancelled transfer leaves is freed, here and at the drive, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import sqlalchemy as sa
from tests.unit.transfers.bench import BIG, SMALL, Bench
from tests.unit.transfers.model import Fault, ModelSource

from telpher.errors import DriveUnreachableError
from telpher.store.schema import transfers
from telpher.transfers.port import TransferId

pytestmark = pytest.mark.usefixtures("small_pieces")

ID = TransferId("1:2:3")
_AWAY = [Fault.BEFORE] * 9


async def test_discard_frees_the_session_and_an_entry_that_landed_unnoticed(bench: Bench) -> None:
    bench.drive.script.faults = iter([Fault.NONE, Fault.AFTER, *[Fault.BEFORE] * 9])
    with pytest.raises(DriveUnreachableError):
        await bench.carry()
    assert len(bench.drive.alive()) == 1
    bench.drive.script.faults = iter(())

    await bench.carrier.discard(TransferId("1:2:3"))
    await bench.carrier.discard(TransferId("1:2:3"))
    await bench.carrier.discard(TransferId("never seen"))

    assert bench.drive.alive() == []
    assert bench.drive.sessions == {}
    assert bench.spooled() == []
    bench.assert_arrived(await bench.carry())


async def test_what_the_drive_could_not_be_asked_to_free_is_known_until_it_is_freed(bench: Bench) -> None:
    bench.drive.script.faults = iter([Fault.NONE, Fault.PART, *[Fault.BEFORE] * 99])
    with pytest.raises(DriveUnreachableError):
        await bench.carry()
    assert len(bench.drive.sessions) == 1
    with pytest.raises(DriveUnreachableError):
        await bench.carrier.discard(TransferId("1:2:3"))
    assert bench.spooled() == []
    await bench.restart()
    bench.drive.script.faults = iter(())
    await bench.carrier.discard(TransferId("1:2:3"))
    assert bench.drive.sessions == {}


async def test_what_lands_only_after_it_was_discarded_does_not_stay(bench: Bench) -> None:
    bench.source = ModelSource(SMALL)
    bench.drive.script.faults = iter([Fault.LATE, *[Fault.BEFORE] * 9])
    with pytest.raises(DriveUnreachableError):
        await bench.carry()
    bench.drive.script.faults = iter(())
    assert bench.drive.entries == {}
    await bench.carrier.discard(TransferId("1:2:3"))
    assert [entry.is_trashed for entry, _ in bench.drive.entries.values()] == [True]
    bench.assert_arrived(await bench.carry())


async def test_what_somebody_who_is_gone_had_at_a_drive_that_is_away_is_left_there(bench: Bench) -> None:
    bench.drive.script.faults = iter([Fault.NONE, Fault.PART, *[Fault.BEFORE] * 99])
    with pytest.raises(DriveUnreachableError):
        await bench.carry()
    await bench.carrier.discard_all_of(7)
    assert bench.spooled() == []
    assert await bench.store.read(lambda connection: connection.scalars(sa.select(transfers.c.id)).all()) == []


async def test_a_file_cancelled_at_the_last_moment_goes_to_the_trash(bench: Bench) -> None:
    entry = await bench.carry()
    await bench.carrier.discard(TransferId("1:2:3"))
    assert [(kept.id, kept.is_trashed) for kept, _ in bench.drive.entries.values()] == [(entry.id, True)]
    again = await bench.carry()
    assert again.id != entry.id
    bench.assert_arrived(again)


async def _discard_killed_at(bench: Bench, call: str, count: int) -> None:
    """And the process that comes after it has to do the rest."""
    running = asyncio.get_running_loop().create_task(bench.carrier.discard(ID))
    heard = 0

    def listen(what: str) -> None:
        nonlocal heard
        heard += what == call
        if heard == count:
            running.cancel()

    bench.drive.script.on_call = listen
    await asyncio.gather(running, return_exceptions=True)
    bench.drive.script.on_call = lambda _: None
    await bench.restart()


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
@pytest.mark.parametrize("last", [Fault.BEFORE, Fault.AFTER, Fault.PART, Fault.SHORT, Fault.LATE])
@pytest.mark.parametrize("calls", range(4))
async def test_wherever_it_had_got_and_however_often_that_fails_nothing_is_left(
    bench: Bench, content: bytes, last: Fault, calls: int
) -> None:
    begun = [*[Fault.NONE] * calls, last, *_AWAY]
    bench.source = ModelSource(content)
    endings: list[list[Fault] | tuple[str, int]] = [_AWAY, [Fault.NONE, *_AWAY], [Fault.NONE, Fault.AFTER, *_AWAY]]
    endings += [(call, count) for call in ("cancel", "stat", "delete") for count in (1, 2)]
    for ending in endings:
        bench.drive.script.faults = iter(begun)
        with contextlib.suppress(DriveUnreachableError):
            await bench.carry()
        if isinstance(ending, tuple):
            bench.drive.script.faults = iter(())
            await _discard_killed_at(bench, *ending)
        else:
            bench.drive.script.faults = iter(ending)
            await asyncio.gather(bench.carrier.discard(ID), return_exceptions=True)
        bench.drive.script.faults = iter(())
        await bench.carrier.discard(ID)
        assert bench.drive.alive() == []
        # A session whose beginning was never answered stays until it expires; it holds nothing, and nobody knows its address.
        assert [
            partial for partial in bench.drive.sessions.values() if partial.content and partial.landed is None
        ] == []
        assert bench.spooled() == []
        assert await bench.store.read(lambda connection: connection.scalars(sa.select(transfers.c.id)).all()) == []
