"""What a drive that can search, star and tell what is recent must do: a suite to inherit beside `DriveContract`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contracts.drive_contract import ODD_NAMES

from telpher.drives.names import safe_name
from telpher.drives.port import Capability, EntryId, EntryKind, SearchFilter, UploadSpec
from telpher.errors import EntryNotFoundError

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


async def put(drive: Any, folder: EntryId, name: str, *, mime_type: str = "text/plain", days_ago: int = 0) -> EntryId:
    spec = UploadSpec(
        id=await drive.new_id() if Capability.IDS_BEFORE_CREATE in drive.capabilities else None,
        parent_id=folder,
        name=name,
        mime_type=mime_type,
        size_bytes=1,
        modified_at=NOW - dt.timedelta(days=days_ago),
    )
    return EntryId((await drive.upload_small(spec, b"x")).id)


class ShelvesContract:
    """Inherit, and give the fixture `drive`."""

    @pytest.fixture
    async def folder(self, drive: Any) -> EntryId:
        return EntryId((await drive.make_folder((await drive.home()).id, "shelves")).id)

    async def test_browsing_begins_where_new_files_can_be_seen(self, drive: Any) -> None:
        start = await drive.start()
        assert start.is_folder
        made = await drive.make_folder(start.id, "seen")
        assert made.id in {entry.id for entry in (await drive.children(start.id)).entries}

    async def test_stars_stay_until_taken_off(self, drive: Any, folder: EntryId) -> None:
        first, second = await put(drive, folder, "b.txt"), await put(drive, folder, "a.txt")
        assert (await drive.starred()).entries == ()
        for _ in range(2):
            assert (await drive.set_starred(first, is_starred=True)).is_starred
        await drive.set_starred(second, is_starred=True)
        await drive.set_starred(folder, is_starred=True)
        assert [entry.id for entry in (await drive.starred()).entries] == [folder, second, first]
        assert (await drive.stat(first)).is_starred
        assert all(entry.is_starred for entry in (await drive.children(folder)).entries)
        await drive.set_starred(first, is_starred=False)
        await drive.delete(second)
        assert [entry.id for entry in (await drive.starred()).entries] == [folder]
        assert not (await drive.stat(first)).is_starred

    async def test_a_star_goes_along(self, drive: Any, folder: EntryId) -> None:
        entry_id = await put(drive, folder, "a.txt")
        await drive.set_starred(entry_id, is_starred=True)
        await drive.rename(entry_id, "b.txt")
        await drive.move(entry_id, (await drive.home()).id)
        assert [(entry.id, entry.name) for entry in (await drive.starred()).entries] == [(entry_id, "b.txt")]

    async def test_what_is_not_there_takes_no_star(self, drive: Any) -> None:
        with pytest.raises(EntryNotFoundError):
            await drive.set_starred(EntryId("nothing-like-this-0"), is_starred=True)

    async def test_stars_page(self, drive: Any, folder: EntryId) -> None:
        for number in range(5):
            await drive.set_starred(await put(drive, folder, f"{number}.txt"), is_starred=True)
        first = await drive.starred(limit=3)
        second = await drive.starred(limit=3, cursor=first.next_cursor)
        assert [entry.name for entry in (*first.entries, *second.entries)] == [f"{n}.txt" for n in range(5)]
        assert second.next_cursor is None

    async def test_the_last_changed_come_first_wherever_they_lie(self, drive: Any, folder: EntryId) -> None:
        below = (await drive.make_folder(folder, "below")).id
        await put(drive, folder, "old.txt", days_ago=9)
        await put(drive, below, "new.txt", days_ago=1)
        await put(drive, folder, "middle.txt", days_ago=4)
        await drive.delete(await put(drive, folder, "gone.txt"))
        first = await drive.recent(limit=2)
        assert [entry.name for entry in first.entries] == ["new.txt", "middle.txt"]
        rest = await drive.recent(limit=2, cursor=first.next_cursor)
        assert [entry.name for entry in rest.entries] == ["old.txt"]

    async def test_a_search_is_narrowed_by_kind(self, drive: Any, folder: EntryId) -> None:
        types = {
            "trip.jpg": ("image/jpeg", EntryKind.IMAGE),
            "trip.mp4": ("video/mp4", EntryKind.VIDEO),
            "trip.mp3": ("audio/mpeg", EntryKind.AUDIO),
            "trip.pdf": ("application/pdf", EntryKind.DOCUMENT),
            "trip.zip": ("application/zip", EntryKind.ARCHIVE),
            "trip.txt": ("text/plain", EntryKind.DOCUMENT),
        }
        for name, (mime_type, _) in types.items():
            await put(drive, folder, name, mime_type=mime_type)
        await drive.make_folder(folder, "trip")
        for kind in EntryKind:
            found = await drive.search("trip", narrow=SearchFilter(kind=kind))
            wanted = {name for name, (_, one) in types.items() if one is kind} or {"trip"}
            assert {entry.name for entry in found.entries} == wanted, kind
        assert len((await drive.search("trip")).entries) == 7

    async def test_a_search_is_narrowed_by_time(self, drive: Any, folder: EntryId) -> None:
        await put(drive, folder, "note old.txt", days_ago=40)
        await put(drive, folder, "note new.txt", days_ago=2)
        since = SearchFilter(changed_since=NOW - dt.timedelta(days=7))
        assert [entry.name for entry in (await drive.search("note", narrow=since)).entries] == ["note new.txt"]

    @settings(
        max_examples=25,
        deadline=None,
        # Each drive's class runs it in a loop of its own.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(name=st.text(st.sampled_from("ab'\\\"()=% _é"), min_size=1, max_size=12) | st.sampled_from(ODD_NAMES))
    async def test_a_name_says_nothing_more_than_a_name(self, name: str, drive: Any) -> None:
        """Found by its own words, and never read as a part of the query."""
        safe = safe_name(name, fallback="file")
        folder = (await drive.make_folder((await drive.home()).id, "quoting")).id
        entry_id = await put(drive, folder, safe)
        other = await put(drive, folder, "qqq")
        try:
            found = {entry.id for entry in (await drive.search(safe)).entries}
            if any(character.isalnum() for character in safe):
                assert other not in found
            if all(word[0].isalnum() for word in safe.split()):
                assert entry_id in found
            # A word that is nowhere stays nowhere, whatever is behind it.
            assert (await drive.search(f"zzyzx{safe}")).entries == ()
        finally:
            await drive.delete(folder)
