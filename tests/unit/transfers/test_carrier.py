"""One file, every way and every fault: exactly one entry, the right bytes, nothing left behind, nothing sent twice."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.transfers.bench import BIG, SMALL, Bench
from tests.unit.transfers.model import Fault, ModelDrive, ModelSource

from telpher.drives.port import ChecksumKind, Entry
from telpher.errors import (
    DiskFullError,
    DriveUnreachableError,
    EntryNotFoundError,
    Fate,
    LoginRequiredError,
    SourceGoneError,
    SourceUnreachableError,
)
from telpher.store import Store
from telpher.store.schema import transfers
from telpher.transfers import checkpoint
from telpher.transfers.content_index import ContentIndex
from telpher.transfers.journey import ContentRefusedError
from telpher.transfers.port import TransferId

pytestmark = pytest.mark.usefixtures("small_pieces")


@pytest.mark.parametrize("content", [b"", b"x", SMALL, BIG], ids=["empty", "one byte", "small", "big"])
@pytest.mark.parametrize("is_size_known", [True, False])
@pytest.mark.parametrize("has_ids", [True, False])
async def test_a_file_arrives(bench: Bench, content: bytes, is_size_known: bool, has_ids: bool) -> None:
    bench.drive = ModelDrive(has_ids=has_ids)
    bench.source = ModelSource(content, told_size=-1 if is_size_known else None)

    entry = await bench.carry(size_bytes=-1 if is_size_known else None)

    bench.assert_arrived(entry)
    assert entry.name == "a.bin"
    assert bench.told[-1].done_bytes == len(content)


async def test_a_small_file_takes_one_request_and_touches_no_disk(bench: Bench) -> None:
    bench.source = ModelSource(SMALL)
    bench.assert_arrived(await bench.carry())
    assert bench.drive.script.calls == ["upload_small"]


async def test_both_legs_run_at_the_same_time(bench: Bench) -> None:
    """The source gives its last piece only when the drive has got the first."""
    drive_has_some = asyncio.Event()
    bench.drive.script.on_call = lambda call: drive_has_some.set() if call == "chunk" else None
    pieces = bench.source._pieces

    async def patient(start: int) -> AsyncIterator[bytes]:
        async for piece in pieces(start):
            if start + bench.source.sent_bytes >= len(BIG):
                async with asyncio.timeout(10):
                    await drive_has_some.wait()
            yield piece

    bench.source._pieces = patient  # type: ignore[method-assign]
    bench.assert_arrived(await bench.carry())


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.PART, Fault.SHORT, Fault.EXPIRE, Fault.BUSY])
@pytest.mark.parametrize("at", range(4))
async def test_each_fault_at_each_call(bench: Bench, content: bytes, fault: Fault, at: int) -> None:
    bench.source = ModelSource(content)
    bench.drive.script.faults = iter([Fault.NONE] * at + [fault])
    entry = await bench.carry()
    bench.assert_arrived(entry)
    if fault is not Fault.EXPIRE:
        assert bench.drive.taken_bytes == len(content)


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
async def test_what_was_stored_wrong_is_replaced(bench: Bench, content: bytes) -> None:
    bench.source = ModelSource(content)
    bench.drive.script.faults = iter([*([Fault.NONE] if content is BIG else []), Fault.DAMAGE])
    entry = await bench.carry()
    bench.assert_arrived(entry)
    assert sorted(kept.is_trashed for kept, _ in bench.drive.entries.values()) == [False, True]


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
@pytest.mark.parametrize("is_local", [True, False])
async def test_what_a_drive_stored_is_compared_by_the_checksum_that_it_tells(
    bench: Bench, tmp_path: Path, content: bytes, is_local: bool
) -> None:
    bench.drive.checksum_kind = ChecksumKind.SHA256  # as a rule; here it knows only MD5
    bench.source = ModelSource(content)
    if is_local:
        bench.source.path = tmp_path / "local.bin"
        bench.source.path.write_bytes(content)
    bench.drive.script.faults = iter([*([Fault.NONE] if content is BIG else []), Fault.DAMAGE])

    bench.assert_arrived(await bench.carry())

    assert sorted(kept.is_trashed for kept, _ in bench.drive.entries.values()) == [False, True]


async def test_a_drive_that_always_stores_it_wrong_is_given_up(bench: Bench) -> None:
    bench.source = ModelSource(SMALL)
    bench.drive.script.faults = iter([Fault.DAMAGE, Fault.NONE, Fault.NONE] * 9)
    with pytest.raises(ContentRefusedError):
        await bench.carry()
    assert bench.drive.alive() == []


@pytest.mark.parametrize("honours_range", [True, False])
async def test_a_download_goes_on_where_it_broke_off(bench: Bench, honours_range: bool) -> None:
    bench.source.cuts = [1234, 9000, 9001, 19_999]
    bench.source.honours_range = honours_range
    bench.assert_arrived(await bench.carry())
    assert (bench.source.sent_bytes == len(BIG)) is honours_range
    assert bench.drive.taken_bytes == len(BIG)


async def test_a_later_attempt_goes_on_with_both_legs(bench: Bench) -> None:
    bench.source.cuts = [12_000] * 6
    with pytest.raises(SourceUnreachableError):
        await bench.carry()
    assert bench.spooled() == [12_000]
    assert bench.drive.alive() == []
    await bench.restart()

    entry = await bench.carry()

    bench.assert_arrived(entry)
    assert bench.source.sent_bytes == len(BIG)
    assert bench.drive.taken_bytes == len(BIG)


async def test_a_login_that_ended_keeps_what_was_done(bench: Bench) -> None:
    def refuse(call: str) -> None:
        if call in {"received", "chunk"}:
            raise LoginRequiredError("invalid_grant")

    bench.drive.script.on_call = refuse
    with pytest.raises(LoginRequiredError):
        await bench.carry()
    held = [len(partial.content) for partial in bench.drive.sessions.values()]
    bench.drive.script.on_call = lambda _: None

    entry = await bench.carry()

    bench.assert_arrived(entry)
    assert len(held) == len(bench.drive.sessions) == 1


async def test_what_is_spooled_needs_no_source_any_more(bench: Bench) -> None:
    bench.drive.script.faults = iter(
        [Fault.NONE, *[Fault.PART, Fault.BEFORE, Fault.BEFORE, Fault.BEFORE, Fault.BEFORE] * 3]
    )
    with pytest.raises(DriveUnreachableError):
        await bench.carry()
    while bench.spooled() != [len(BIG)]:
        bench.drive.script.faults = iter([Fault.BEFORE] * 9)
        with pytest.raises(DriveUnreachableError):
            await bench.carry()
        bench.drive.script.faults = iter([Fault.NONE, Fault.PART, *[Fault.BEFORE] * 9])
        with pytest.raises(DriveUnreachableError):
            await bench.carry()
    bench.source.is_gone = True
    bench.drive.script.faults = iter(())

    bench.assert_arrived(await bench.carry())


async def test_a_source_that_is_gone_leaves_no_spool(bench: Bench) -> None:
    bench.source.cuts = [12_000] * 6
    with pytest.raises(SourceUnreachableError):
        await bench.carry()
    bench.source.is_gone = True
    with pytest.raises(SourceGoneError):
        await bench.carry()
    assert bench.spooled() == []


async def test_after_a_power_cut_the_spool_is_not_trusted_but_the_drives_bytes_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.source.cuts = [12_000] * 6
    with pytest.raises(SourceUnreachableError):
        await bench.carry()
    (spooled,) = bench.spool_dir.glob("*")
    spooled.write_bytes(b"\0" * 12_000)
    monkeypatch.setattr("telpher.transfers.journey.boot_id", lambda: "another start")
    await bench.restart()

    entry = await bench.carry()

    bench.assert_arrived(entry)
    assert bench.drive.taken_bytes == len(BIG)
    assert len(bench.drive.entries) == 1


async def test_bytes_that_were_damaged_on_the_way_are_found_out(bench: Bench) -> None:
    bench.drive.script.faults = iter([Fault.NONE, Fault.PART, *[Fault.BEFORE] * 9])
    with pytest.raises(DriveUnreachableError):
        await bench.carry()
    for partial in bench.drive.sessions.values():
        assert partial.content
        partial.content[0] ^= 1
    bench.drive.script.faults = iter(())

    entry = await bench.carry()

    bench.assert_arrived(entry)


@pytest.mark.parametrize("told", [None, 5, 15_000, 30_000])
async def test_the_source_knows_the_size_better_than_the_message(bench: Bench, told: int | None) -> None:
    bench.assert_arrived(await bench.carry(size_bytes=told))
    assert bench.drive.taken_bytes == len(BIG)


async def test_a_source_that_sends_less_or_more_than_it_says_is_not_believed(bench: Bench) -> None:
    for told in (19_000, 21_000):
        bench.source.told_size = told
        with pytest.raises(SourceUnreachableError):
            await bench.carry(size_bytes=told, key=str(told))
    assert bench.drive.alive() == []


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
async def test_a_local_file_is_read_in_place_and_removed_at_the_end(
    bench: Bench, tmp_path: Path, content: bytes
) -> None:
    bench.source = ModelSource(content)
    bench.source.path = tmp_path / "local.bin"
    bench.source.path.write_bytes(content)
    entry = await bench.carry()
    bench.assert_arrived(entry)
    assert bench.source.is_disposed
    assert bench.source.sent_bytes == 0


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
async def test_a_local_file_that_another_message_was_done_with_is_asked_for_again(
    bench: Bench, tmp_path: Path, content: bytes
) -> None:
    bench.source = ModelSource(content)
    bench.source.path = path = tmp_path / "local.bin"
    with pytest.raises(SourceUnreachableError) as ended:
        await bench.carry()
    assert ended.value.fate is Fate.RETRY

    path.write_bytes(content)
    bench.assert_arrived(await bench.carry())


async def test_a_crash_after_verifying_leaves_only_tidying(bench: Bench, tmp_path: Path) -> None:
    bench.source.path = tmp_path / "local.bin"
    bench.source.path.write_bytes(BIG)
    first = await bench.carry()
    bench.source.path.write_bytes(BIG)
    await bench.restart()

    assert await bench.carry() == first

    bench.assert_arrived(first)
    assert not bench.source.path.exists()


@pytest.mark.parametrize("stop_at", ["open_source", "open", "piece", "begin", "send", "chunk", "upload_small"])
@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
async def test_cancelled_anywhere_it_can_be_discarded_or_go_on(bench: Bench, content: bytes, stop_at: str) -> None:
    bench.source = ModelSource(content)
    for after in (1, 3):
        for goes_on in (True, False):
            key = f"{after}-{goes_on}"
            calls = 0
            running = asyncio.get_running_loop().create_task(bench.carry(key=key))

            def count(call: str, running: asyncio.Task[Entry] = running, after: int = after) -> None:
                nonlocal calls
                calls += call == stop_at
                if calls == after:
                    running.cancel()

            bench.source.on_call = bench.drive.script.on_call = count
            (end,) = await asyncio.gather(running, return_exceptions=True)
            bench.source.on_call = bench.drive.script.on_call = lambda _: None
            if goes_on and isinstance(end, asyncio.CancelledError):
                end = await bench.carry(key=key)
            elif isinstance(end, asyncio.CancelledError):
                await bench.carrier.discard(TransferId(key))
            if isinstance(end, Entry):
                bench.assert_arrived(end)
            assert bench.spooled() == []
            assert len(bench.drive.alive()) == isinstance(end, Entry)
            await _forget_all(bench)


async def _forget_all(bench: Bench) -> None:
    bench.drive.entries.clear()
    bench.drive.sessions.clear()
    await bench.store.write(lambda connection: connection.execute(sa.delete(transfers)))


@pytest.mark.parametrize("content", [SMALL, BIG], ids=["small", "big"])
async def test_one_that_was_deleted_for_good_before_we_knew_that_it_had_landed(bench: Bench, content: bytes) -> None:
    bench.source = ModelSource(content)
    before_it_lands = 0 if content is SMALL else 1
    bench.drive.script.faults = iter([*[Fault.NONE] * before_it_lands, Fault.AFTER, *[Fault.BEFORE] * 9])
    with pytest.raises(DriveUnreachableError):
        await bench.carry()
    bench.drive.script.faults = iter(())
    bench.drive.delete_all_for_good()

    with pytest.raises(EntryNotFoundError) as ended:
        await bench.carry()

    assert ended.value.fate is Fate.PERMANENT
    assert bench.spooled() == []
    # Asked for once more, it comes once more.
    bench.assert_arrived(await bench.carry())


async def test_a_small_file_that_comes_slowly_tells_how_far_it_is(bench: Bench) -> None:
    bench.source = ModelSource(SMALL, chunk_bytes=300)
    pieces = bench.source._pieces

    async def slow(start: int) -> AsyncIterator[bytes]:
        async for piece in pieces(start):
            await asyncio.sleep(0.3)
            yield piece

    bench.source._pieces = slow  # type: ignore[method-assign]
    bench.assert_arrived(await bench.carry())
    assert [told.done_bytes for told in bench.told] == [300, 600, 899, 900]
    assert {told.total_bytes for told in bench.told} == {900}


async def test_one_transfer_is_carried_once_at_a_time(bench: Bench) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    pieces = bench.source._pieces

    async def held(start: int) -> AsyncIterator[bytes]:
        begun.set()
        await may_go_on.wait()
        async for piece in pieces(start):
            yield piece

    bench.source._pieces = held  # type: ignore[method-assign]
    first = asyncio.get_running_loop().create_task(bench.carry())
    await begun.wait()
    with pytest.raises(RuntimeError, match="already"):
        await bench.carry()
    with pytest.raises(RuntimeError, match="cancel that first"):
        await bench.carrier.discard(TransferId("1:2:3"))
    may_go_on.set()
    bench.assert_arrived(await first)


async def test_a_start_sweeps_what_belongs_to_nobody(bench: Bench) -> None:
    bench.source.cuts = [12_000] * 6
    with pytest.raises(SourceUnreachableError):
        await bench.carry()
    (bench.spool_dir / "stray.part").write_bytes(b"x")
    (bench.spool_dir / "link").symlink_to("/etc/passwd")
    await bench.restart()
    await bench.carrier.start()
    assert bench.spooled() == [12_000]
    bench.assert_arrived(await bench.carry())


async def test_one_that_has_to_wait_for_the_disk_says_so(bench: Bench) -> None:
    await bench.carrier.close()
    bench.carrier = bench.new_carrier(limit_bytes=30_000)
    may_go_on = asyncio.Event()
    pieces = bench.source._pieces

    async def held(start: int) -> AsyncIterator[bytes]:
        await may_go_on.wait()
        async for piece in pieces(start):
            yield piece

    bench.source._pieces = held  # type: ignore[method-assign]
    both = [asyncio.get_running_loop().create_task(bench.carry(key=key)) for key in "ab"]
    async with asyncio.timeout(10):
        while not any(progress.waiting_key == "waiting.disk" for progress in bench.told):
            await asyncio.sleep(0.001)
    may_go_on.set()
    await asyncio.gather(*both)
    assert len(bench.drive.alive()) == 2
    assert bench.spooled() == []


async def test_a_disk_that_fills_up_is_told_and_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("telpher.transfers.spool.os.pwritev", full)
        with pytest.raises(DiskFullError):
            await bench.carry()
    bench.assert_arrived(await bench.carry())


async def test_the_same_content_twice_is_recognised_while_it_is_there(bench: Bench, store: Store) -> None:
    index = ContentIndex(store)
    first, second = await bench.carry(key="a"), await bench.carry(key="b")
    assert await index.twins(7, bench.drive, second) == [first]
    assert await index.twins(8, bench.drive, second) == []

    await bench.drive.delete(first.id)
    assert await index.twins(7, bench.drive, second) == []
    del bench.drive.entries[first.id]
    assert await index.twins(7, bench.drive, second) == []
    await index.remember(7, "model", second)
    assert await index.twins(7, bench.drive, first) == [second]


async def test_old_transfers_are_forgotten(bench: Bench, store: Store) -> None:
    await bench.carry()
    checkpoints = checkpoint.Checkpoints(store, clock=lambda: dt.datetime.now(dt.UTC).timestamp() + 31 * 86_400)
    assert await checkpoints.prune() == 1
    assert await checkpoints.find(TransferId("1:2:3")) is None
