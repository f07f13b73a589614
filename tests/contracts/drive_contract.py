"""What every drive must do: one suite over the whole port, for any drive that gives the fixtures `drive` and `reopen`."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from telpher.drives.port import Capability, Drive, Entry, EntryId, Order, UploadSpec
from telpher.errors import (
    BadInputError,
    DriveError,
    DriveForbiddenError,
    EntryExistsError,
    EntryNotFoundError,
    SessionGoneError,
)

KIB = 1 << 10
TAKEN_AT = dt.datetime(2024, 2, 29, 13, 37, 42, 123000, tzinfo=dt.UTC)
ODD_NAMES = [
    "it's.txt",
    'double "quotes".txt',
    "back\\slash' or 'a'='a.txt",
    "per%20cent & co?.txt",
    "Отчёт №5.docx",
    "日本語.txt",
    "👩‍👩‍👧 family.png",
    "e\u0301 decomposed.txt",
    "#1 [x] {y}.txt",
]

Reopen = Callable[[], Awaitable[Drive]]


class BrokenOffError(Exception):
    """The source of an upload broke off."""


def content_of(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


async def pieces(
    content: bytes, offset: int = 0, *, piece_bytes: int = 64 * KIB, break_at: int | None = None
) -> AsyncIterator[bytes]:
    while offset < len(content):
        if break_at is not None and offset >= break_at:
            raise BrokenOffError
        yield content[offset : offset + piece_bytes]
        offset += piece_bytes
        await asyncio.sleep(0)


async def read_all(drive: Any, entry_id: EntryId, offset: int = 0) -> bytes:
    got = []
    async with drive.read(entry_id, offset) as chunks:
        async for chunk in chunks:
            assert len(chunk) <= 1 << 20
            got.append(chunk)
    return b"".join(got)


async def names_in(drive: Any, folder_id: EntryId) -> list[str]:
    return [entry.name for entry in (await drive.children(folder_id)).entries]


class DriveContract:
    """Inherit, and give the fixtures `drive` and `reopen`."""

    @pytest.fixture
    async def home(self, drive: Any) -> EntryId:
        return (await drive.make_folder((await drive.home()).id, "contract")).id

    async def spec(self, drive: Any, home: EntryId, content: bytes, name: str = "file.bin", **more: Any) -> UploadSpec:
        issues_ids = Capability.IDS_BEFORE_CREATE in drive.capabilities
        fields = {"mime_type": "application/x-test", "modified_at": TAKEN_AT} | more
        return UploadSpec(
            id=await drive.new_id() if issues_ids else None,
            parent_id=home,
            name=name,
            size_bytes=len(content),
            **fields,
        )

    async def put(self, drive: Any, home: EntryId, content: bytes = b"x", name: str = "file.bin", **more: Any) -> Entry:
        return await drive.upload_small(await self.spec(drive, home, content, name, **more), content)

    def check(self, drive: Drive, entry: Entry, spec: UploadSpec, content: bytes) -> None:
        assert spec.id in {None, entry.id}
        assert (entry.name, entry.size_bytes, entry.mime_type) == (spec.name, len(content), spec.mime_type)
        assert (entry.parent_id, entry.is_folder, entry.is_trashed) == (spec.parent_id, False, False)
        assert entry.modified_at == spec.modified_at
        assert entry.checksum is not None
        assert entry.checksum.kind is drive.checksum_kind
        assert entry.checksum.hexdigest == hashlib.new(drive.checksum_kind.value, content).hexdigest()

    # -- bytes there and back

    @pytest.mark.parametrize("size_bytes", [0, 1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 5_000_000])
    async def test_bytes_go_there_and_back(self, drive: Any, home: EntryId, size_bytes: int) -> None:
        content = content_of(size_bytes)
        small, streamed = (
            await self.spec(drive, home, content, "small"),
            await self.spec(drive, home, content, "streamed"),
        )
        first = await drive.upload_small(small, content)
        session = await drive.begin_upload(streamed)
        second = await session.send(pieces(content), 0)
        assert isinstance(second, Entry)
        for entry, spec in ((first, small), (second, streamed)):
            self.check(drive, entry, spec, content)
            self.check(drive, await drive.stat(entry.id), spec, content)
            assert await read_all(drive, entry.id) == content

    @pytest.mark.parametrize("offset", [0, 1, 99_999, 100_000])
    async def test_reading_from_an_offset(self, drive: Any, home: EntryId, offset: int) -> None:
        content = content_of(100_000)
        entry = await self.put(drive, home, content)
        assert await read_all(drive, entry.id, offset) == content[offset:]

    async def test_a_reader_may_stop_early(self, drive: Any, home: EntryId) -> None:
        entry = await self.put(drive, home, content_of(3_000_000))
        async with drive.read(entry.id) as chunks:
            async for chunk in chunks:
                assert chunk
                break
        assert await read_all(drive, entry.id, 2_999_999)

    async def test_reading_what_is_not_there(self, drive: Any, home: EntryId) -> None:
        with pytest.raises(EntryNotFoundError):
            await read_all(drive, EntryId("nothing-like-this-0"))
        with pytest.raises(DriveForbiddenError):
            await read_all(drive, home)

    async def test_no_time_given_is_now(self, drive: Any, home: EntryId) -> None:
        entry = await self.put(drive, home, modified_at=None)
        assert abs((entry.modified_at - dt.datetime.now(dt.UTC)).total_seconds()) < 60

    # -- sessions

    async def test_an_interrupted_session_is_resumed(self, drive: Any, reopen: Reopen, home: EntryId) -> None:
        content = content_of(2_000_000)
        spec = await self.spec(drive, home, content)
        session = await drive.begin_upload(spec)
        assert await session.received() == 0
        with pytest.raises(BrokenOffError):
            await session.send(pieces(content, break_at=1_500_000), 0)
        token = session.token
        again = await (await reopen()).resume_upload(token, spec)
        held = await again.received()
        assert isinstance(held, int)
        assert 0 <= held <= 1_600_000
        with pytest.raises(EntryNotFoundError):
            await drive.stat(spec.id)
        entry = await again.send(pieces(content, held), held)
        self.check(drive, entry, spec, content)
        assert await again.received() == entry
        assert await read_all(drive, entry.id) == content

    async def test_what_has_landed_is_told_after_a_restart(self, drive: Any, reopen: Reopen, home: EntryId) -> None:
        content = content_of(300_000)
        spec = await self.spec(drive, home, content)
        session = await drive.begin_upload(spec)
        entry = await session.send(pieces(content), 0)
        again = await (await reopen()).resume_upload(session.token, spec)
        assert await again.received() == entry
        assert await names_in(drive, home) == [spec.name]

    async def test_a_cancelled_session_leaves_nothing(self, drive: Any, home: EntryId) -> None:
        content = content_of(1_000_000)
        spec = await self.spec(drive, home, content)
        session = await drive.begin_upload(spec)
        with pytest.raises(BrokenOffError):
            await session.send(pieces(content, break_at=600_000), 0)
        await session.cancel()
        await session.cancel()
        with pytest.raises(SessionGoneError):
            await session.received()
        assert await names_in(drive, home) == []
        again = await drive.begin_upload(spec)
        self.check(drive, await again.send(pieces(content), 0), spec, content)

    async def test_a_send_that_is_cancelled_can_be_resumed(self, drive: Any, home: EntryId) -> None:
        content = content_of(1_000_000)
        spec = await self.spec(drive, home, content)
        session = await drive.begin_upload(spec)
        is_half_sent = asyncio.Event()

        async def stalling() -> AsyncIterator[bytes]:
            yield content[:500_000]
            is_half_sent.set()
            await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            sending = group.create_task(session.send(stalling(), 0))
            await is_half_sent.wait()
            sending.cancel()
        held = await session.received()
        assert isinstance(held, int)
        self.check(drive, await session.send(pieces(content, held), held), spec, content)

    async def test_a_source_that_ends_early_makes_no_entry(self, drive: Any, home: EntryId) -> None:
        content = content_of(600_000)
        spec = await self.spec(drive, home, content)
        session = await drive.begin_upload(spec)
        held = await session.send(pieces(content[:400_000]), 0)
        assert isinstance(held, int)
        assert await names_in(drive, home) == []
        self.check(drive, await session.send(pieces(content, held), held), spec, content)

    async def test_a_source_that_goes_on_too_long_makes_no_entry(self, drive: Any, home: EntryId) -> None:
        content = content_of(600_000)
        spec = await self.spec(drive, home, content)
        session = await drive.begin_upload(spec)
        with pytest.raises(DriveError):
            await session.send(pieces(content + b"more"), 0)

    async def test_a_session_nobody_began(self, drive: Any, home: EntryId) -> None:
        spec = await self.spec(drive, home, b"x")
        session = await drive.begin_upload(spec)
        await session.cancel()
        with pytest.raises(SessionGoneError):
            await (await drive.resume_upload(session.token, spec)).received()

    async def test_uploads_run_side_by_side(self, drive: Any, home: EntryId) -> None:
        async def upload(number: int) -> Entry:
            content = content_of(300_000 + number, seed=number)
            spec = await self.spec(drive, home, content, f"{number}.bin")
            entry = await (await drive.begin_upload(spec)).send(pieces(content), 0)
            self.check(drive, entry, spec, content)
            return entry

        entries = await asyncio.gather(*(upload(number) for number in range(8)))
        assert len({entry.id for entry in entries}) == 8
        assert await names_in(drive, home) == [f"{number}.bin" for number in range(8)]

    # -- one create, one file

    async def test_a_repeated_create_doubles_nothing(self, drive: Any, reopen: Reopen, home: EntryId) -> None:
        if Capability.IDS_BEFORE_CREATE not in drive.capabilities:
            return
        spec = await self.spec(drive, home, b"once")
        entry = await drive.upload_small(spec, b"once")
        for other in (drive, await reopen()):
            with pytest.raises(EntryExistsError):
                await other.upload_small(spec, b"once")
            with pytest.raises(EntryExistsError):
                await (await other.begin_upload(spec)).send(pieces(b"once"), 0)
        assert await names_in(drive, home) == [spec.name]
        assert await read_all(drive, entry.id) == b"once"

    async def test_ids_are_never_given_twice(self, drive: Any) -> None:
        if Capability.IDS_BEFORE_CREATE in drive.capabilities:
            ids = await asyncio.gather(*(drive.new_id() for _ in range(150)))
            assert len(set(ids)) == 150

    async def test_two_files_of_one_name_are_both_kept(self, drive: Any, home: EntryId) -> None:
        entries = await asyncio.gather(*(self.put(drive, home, f"{n}".encode(), "same.txt") for n in range(4)))
        assert {await read_all(drive, entry.id) for entry in entries} == {b"0", b"1", b"2", b"3"}
        names = sorted(await names_in(drive, home))
        if Capability.DUPLICATE_NAMES in drive.capabilities:
            assert names == ["same.txt"] * 4
        else:
            assert names == ["same (2).txt", "same (3).txt", "same (4).txt", "same.txt"]

    # -- listing

    async def test_listing_is_sorted_as_people_expect(self, drive: Any, home: EntryId) -> None:
        for name in ("b10.txt", "b2.txt", "a.txt"):
            await self.put(drive, home, name.encode(), name)
        for name in ("z10", "z9"):
            await drive.make_folder(home, name)
        assert await names_in(drive, home) == ["z9", "z10", "a.txt", "b2.txt", "b10.txt"]

    async def test_listing_by_time_and_by_size(self, drive: Any, home: EntryId) -> None:
        for day, (name, size) in enumerate([("old", 3), ("mid", 1), ("new", 2)]):
            await self.put(drive, home, b"x" * size, name, modified_at=TAKEN_AT + dt.timedelta(days=day))
        newest = await drive.children(home, order=Order.NEWEST)
        largest = await drive.children(home, order=Order.LARGEST)
        assert [entry.name for entry in newest.entries] == ["new", "mid", "old"]
        assert [entry.name for entry in largest.entries] == ["old", "new", "mid"]

    @pytest.mark.parametrize("limit", [1, 3, 7, 8])
    async def test_paging_shows_each_entry_once(self, drive: Any, home: EntryId, limit: int) -> None:
        for number in range(7):
            await self.put(drive, home, b"x", f"{number}.txt")
        seen, cursor = [], None
        while True:
            page = await drive.children(home, cursor=cursor, limit=limit)
            assert len(page.entries) <= limit
            seen += [entry.name for entry in page.entries]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [f"{number}.txt" for number in range(7)]

    async def test_a_cursor_of_nothing_is_refused(self, drive: Any, home: EntryId) -> None:
        with pytest.raises((BadInputError, ValueError)):
            await drive.children(home, cursor="no cursor at all")

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_odd_names(self, drive: Any, home: EntryId, name: str) -> None:
        from telpher.drives.names import safe_name

        kept = safe_name(name, fallback="file")
        entry = await self.put(drive, home, b"odd", kept)
        folder = await drive.make_folder(home, f"{kept} folder")
        assert (entry.name, folder.name) == (kept, f"{kept} folder")
        assert await names_in(drive, home) == [folder.name, kept]
        inner = await self.put(drive, folder.id, b"in", kept)
        assert (await drive.rename(inner.id, f"renamed {kept}")).name == f"renamed {kept}"
        assert await names_in(drive, folder.id) == [f"renamed {kept}"]

    async def test_listing_what_is_not_there(self, drive: Any) -> None:
        with pytest.raises(EntryNotFoundError):
            await drive.children(EntryId("nothing-like-this-0"))

    # -- entries

    async def test_the_root_is_a_folder(self, drive: Any) -> None:
        root, home = await drive.root(), await drive.home()
        assert root.is_folder
        assert root.parent_id is None
        assert home.is_folder
        assert await drive.home() == home

    async def test_stat_of_nothing(self, drive: Any) -> None:
        for entry_id in ("nothing-like-this-0", "../../etc/passwd", "a/b", "", "'", "x" * 500):
            with pytest.raises(EntryNotFoundError):
                await drive.stat(EntryId(entry_id))

    async def test_a_folder_is_told_as_one(self, drive: Any, home: EntryId) -> None:
        folder = await drive.make_folder(home, "folder")
        assert (folder.is_folder, folder.size_bytes, folder.checksum, folder.parent_id) == (True, None, None, home)
        assert await drive.stat(folder.id) == folder

    async def test_renaming_keeps_the_rest(self, drive: Any, home: EntryId) -> None:
        entry = await self.put(drive, home, b"content", "before.txt")
        renamed = await drive.rename(entry.id, "after.txt")
        assert (renamed.id, renamed.name, renamed.checksum) == (entry.id, "after.txt", entry.checksum)
        assert await names_in(drive, home) == ["after.txt"]
        assert await read_all(drive, entry.id) == b"content"
        assert (await drive.rename(entry.id, "after.txt")).name == "after.txt"

    async def test_moving(self, drive: Any, home: EntryId) -> None:
        source, target = await drive.make_folder(home, "source"), await drive.make_folder(home, "target")
        entry = await self.put(drive, source.id, b"content", "moved.txt")
        moved = await drive.move(entry.id, target.id)
        assert (moved.id, moved.parent_id, moved.name) == (entry.id, target.id, "moved.txt")
        assert await names_in(drive, source.id) == []
        assert await names_in(drive, target.id) == ["moved.txt"]
        await drive.move(target.id, source.id)
        inside = await drive.stat(entry.id)
        assert inside.parent_id == target.id
        assert await read_all(drive, entry.id) == b"content"
        with pytest.raises(DriveError):
            await drive.move(source.id, target.id)
        with pytest.raises(EntryNotFoundError):
            await drive.move(entry.id, EntryId("nothing-like-this-0"))

    async def test_deleting(self, drive: Any, home: EntryId) -> None:
        entry = await self.put(drive, home)
        await drive.delete(entry.id)
        await drive.delete(entry.id)
        await drive.delete(EntryId("nothing-like-this-0"))
        assert await names_in(drive, home) == []

    async def test_trash_and_restore(self, drive: Any, home: EntryId) -> None:
        if Capability.TRASH not in drive.capabilities:
            return
        folder = await drive.make_folder(home, "folder")
        entry = await self.put(drive, folder.id, b"kept", "kept.txt")
        await drive.delete(entry.id)
        trashed = await drive.stat(entry.id)
        assert (trashed.is_trashed, trashed.name) == (True, "kept.txt")
        restored = await drive.restore(entry.id)
        assert (restored.is_trashed, restored.parent_id, restored.name) == (False, folder.id, "kept.txt")
        assert await read_all(drive, entry.id) == b"kept"
        await drive.delete(folder.id)
        assert (await drive.stat(entry.id)).is_trashed
        assert await names_in(drive, home) == []
        await drive.restore(folder.id)
        assert await names_in(drive, folder.id) == ["kept.txt"]
        assert (await drive.restore(folder.id)).is_trashed is False

    async def test_a_restored_name_that_was_taken_meanwhile(self, drive: Any, home: EntryId) -> None:
        if Capability.TRASH not in drive.capabilities:
            return
        first = await self.put(drive, home, b"first", "name.txt")
        await drive.delete(first.id)
        second = await self.put(drive, home, b"second", "name.txt")
        await drive.restore(first.id)
        assert await read_all(drive, first.id) == b"first"
        assert await read_all(drive, second.id) == b"second"
        assert len(await names_in(drive, home)) == 2

    # -- what a drive may offer

    async def test_search(self, drive: Any, home: EntryId) -> None:
        if Capability.SEARCH not in drive.capabilities:
            return
        wanted = await self.put(drive, home, b"x", "Quarterly o'report 2024.pdf")
        gone = await self.put(drive, home, b"x", "quarterly trashed.pdf")
        await self.put(drive, home, b"x", "other.pdf")
        await drive.delete(gone.id)
        for words in ("quarterly", "REPORT 2024", "o'report", "quarterly 2024"):
            page = await drive.search(words)
            assert [entry.id for entry in page.entries] == [wanted.id], words
        assert (await drive.search("quarterly nothing")).entries == ()
        assert (await drive.search("' or name contains 'other")).entries == ()
        assert (await drive.search("back\\slash")).entries == ()

    async def test_search_pages(self, drive: Any, home: EntryId) -> None:
        if Capability.SEARCH not in drive.capabilities:
            return
        for number in range(5):
            await self.put(drive, home, b"x", f"holiday {number}.jpg")
        first = await drive.search("holiday", limit=3)
        second = await drive.search("holiday", limit=3, cursor=first.next_cursor)
        names = {entry.name for entry in (*first.entries, *second.entries)}
        assert (len(first.entries), len(second.entries), len(names)) == (3, 2, 5)
        assert second.next_cursor is None

    async def test_quota(self, drive: Any) -> None:
        if Capability.QUOTA in drive.capabilities:
            quota = await drive.quota()
            assert quota.used_bytes >= 0
            assert quota.limit_bytes is None or quota.limit_bytes >= quota.used_bytes
