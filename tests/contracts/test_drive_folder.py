"""The folder drive under the suite for every drive, and what only a directory can meet: hands, crashes, links."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import resource
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.drive_contract import DriveContract, Reopen, content_of, names_in, pieces, read_all
from tests.contracts.shelves_contract import ShelvesContract

from telpher.drives.folder import FolderDrive
from telpher.drives.folder.tree import Tree
from telpher.drives.port import Entry, EntryId, UploadSpec
from telpher.errors import DriveFullError, DriveUnreachableError, EntryExistsError, EntryNotFoundError, Fate


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "drive"


@pytest.fixture
async def reopen(root: Path) -> AsyncIterator[Reopen]:
    opened: list[FolderDrive] = []

    async def one_more() -> FolderDrive:
        opened.append(FolderDrive(root))
        return opened[-1]

    yield one_more
    for drive in opened:
        await drive.close()


@pytest.fixture
async def drive(reopen: Reopen) -> Any:
    return await reopen()


class TestFolderDrive(DriveContract, ShelvesContract):
    """The suite."""


async def put(drive: FolderDrive, name: str, content: bytes = b"x", parent: str = "root") -> Entry:
    spec = UploadSpec(
        id=await drive.new_id(), parent_id=EntryId(parent), name=name, mime_type="text/plain", size_bytes=len(content)
    )
    return await drive.upload_small(spec, content)


async def test_files_lie_in_the_directory_under_their_names(drive: FolderDrive, root: Path) -> None:
    folder = await drive.make_folder(EntryId("root"), "Отчёты")
    await put(drive, "a.txt", b"content", folder.id)
    assert (root / "Отчёты" / "a.txt").read_bytes() == b"content"
    assert not list((root / ".telpher" / "uploads").iterdir())


async def test_files_put_there_by_hand_are_entries(drive: FolderDrive, root: Path) -> None:
    await drive.root()
    (root / "by-hand.png").write_bytes(b"picture")
    (root / os.fsdecode(b"latin-\xe9.txt")).write_bytes(b"odd bytes")
    entries = (await drive.children(EntryId("root"))).entries
    assert [entry.name for entry in entries] == ["by-hand.png", "latin-\ufffd.txt"]
    picture = await drive.stat(entries[0].id)
    assert picture.mime_type == "image/png"
    assert picture.checksum is not None
    assert picture.checksum.hexdigest == hashlib.sha256(b"picture").hexdigest()
    assert await read_all(drive, entries[1].id) == b"odd bytes"
    assert (await drive.rename(entries[1].id, "latin-é.txt")).name == "latin-é.txt"
    for entry in entries:
        await drive.delete(entry.id)
        await drive.restore(entry.id)
    assert len(await names_in(drive, EntryId("root"))) == 2


async def test_a_file_changed_by_hand_has_a_new_checksum(drive: FolderDrive, root: Path) -> None:
    entry = await put(drive, "a.txt", b"before")
    (root / "a.txt").write_bytes(b"changed by hand")
    again = await drive.stat(entry.id)
    assert again.size_bytes == 15
    assert again.checksum is not None
    assert again.checksum.hexdigest == hashlib.sha256(b"changed by hand").hexdigest()


@pytest.mark.parametrize("listed_first", [True, False])
async def test_ids_follow_what_is_moved_by_hand(drive: FolderDrive, root: Path, listed_first: bool) -> None:
    folder = await drive.make_folder(EntryId("root"), "folder")
    inside = await put(drive, "inside.txt", b"inside", folder.id)
    entry = await put(drive, "a.txt", b"moved")
    (root / "a.txt").rename(root / "folder" / "b.txt")
    if listed_first:
        listed = (await drive.children(folder.id)).entries
        assert {item.id for item in listed} == {inside.id, entry.id}
    found = await drive.stat(entry.id)
    assert (found.id, found.name, found.parent_id) == (entry.id, "b.txt", folder.id)
    (root / "folder").rename(root / "renamed")
    assert await names_in(drive, EntryId("root")) == ["renamed"]
    for item in (inside, entry):
        again = await drive.stat(item.id)
        assert await read_all(drive, again.id)


async def test_what_is_deleted_by_hand_is_gone(drive: FolderDrive, root: Path) -> None:
    entry = await put(drive, "a.txt")
    (root / "a.txt").unlink()
    with pytest.raises(EntryNotFoundError):
        await drive.stat(entry.id)
    other = await put(drive, "a.txt", b"other")
    assert other.name == "a.txt"
    assert other.id != entry.id
    with pytest.raises(EntryNotFoundError):
        await drive.stat(entry.id)


async def test_links_and_pipes_are_not_there(drive: FolderDrive, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    folder = await drive.make_folder(EntryId("root"), "folder")
    entry = await put(drive, "secret", b"mine", folder.id)
    (root / "link").symlink_to(outside)
    (root / "file-link").symlink_to(outside / "secret")
    os.mkfifo(root / "pipe")
    assert await names_in(drive, EntryId("root")) == ["folder"]
    assert (await drive.search("secret")).entries[0].id == entry.id
    # The folder is swapped for a link that leads outside, under a known id.
    shutil.rmtree(root / "folder")
    (root / "folder").symlink_to(outside)
    for attempt in (
        drive.stat(entry.id),
        drive.children(folder.id),
        read_all(drive, entry.id),
        put(drive, "new", b"", folder.id),
    ):
        with pytest.raises(EntryNotFoundError):
            await attempt
    assert [path.name for path in outside.iterdir()] == ["secret"]


async def test_our_own_folder_is_never_shown(drive: FolderDrive, root: Path) -> None:
    spec = UploadSpec(id=None, parent_id=EntryId("root"), name=".telpher", mime_type="x/y", size_bytes=1)
    assert (await drive.upload_small(spec, b"x")).name == "telpher"
    assert (await drive.search("index")).entries == ()
    assert await names_in(drive, EntryId("root")) == ["telpher"]


@pytest.mark.parametrize("crash", ["before the rename", "after the rename"])
async def test_a_crash_at_the_rename_neither_loses_nor_doubles(
    drive: FolderDrive, reopen: Reopen, monkeypatch: pytest.MonkeyPatch, crash: str
) -> None:
    class PulledPlugError(BaseException):
        pass

    really_move = Tree.move

    def move(tree: Tree, source: bytes, target: bytes) -> None:
        if crash == "after the rename":
            really_move(tree, source, target)
        raise PulledPlugError

    content = content_of(100_000)
    spec = UploadSpec(
        id=await drive.new_id(), parent_id=EntryId("root"), name="a.bin", mime_type="x/y", size_bytes=len(content)
    )
    session = await drive.begin_upload(spec)
    monkeypatch.setattr(Tree, "move", move)
    with pytest.raises(PulledPlugError):
        await session.send(pieces(content), 0)
    monkeypatch.undo()
    restarted = await reopen()
    entry = await (await restarted.resume_upload(session.token, spec)).received()
    assert isinstance(entry, Entry)
    assert entry.id == spec.id
    assert await names_in(restarted, EntryId("root")) == ["a.bin"]
    assert await read_all(restarted, entry.id) == content
    with pytest.raises(EntryExistsError):
        await restarted.begin_upload(spec)


@pytest.mark.parametrize("verb", ["rename", "delete", "restore"])
async def test_a_crash_between_the_move_and_the_index_heals(
    drive: FolderDrive, reopen: Reopen, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    class PulledPlugError(BaseException):
        pass

    entry = await put(drive, "a.txt", b"content")
    if verb == "restore":
        await drive.delete(entry.id)
    really_move = Tree.move

    def move(tree: Tree, source: bytes, target: bytes) -> None:
        really_move(tree, source, target)
        raise PulledPlugError

    monkeypatch.setattr(Tree, "move", move)
    with pytest.raises(PulledPlugError):
        await (drive.rename(entry.id, "b.txt") if verb == "rename" else getattr(drive, verb)(entry.id))
    monkeypatch.undo()
    found = await (await reopen()).stat(entry.id)
    assert (found.name, found.is_trashed) == ("b.txt" if verb == "rename" else "a.txt", verb == "delete")
    assert (await drive.restore(entry.id)).is_trashed is False
    assert len(await names_in(drive, EntryId("root"))) == 1


async def test_a_system_without_the_atomic_rename_overwrites_nothing_either(
    drive: FolderDrive, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telpher.drives.folder.tree._rename_no_replace", lambda *_: False)
    first, second = await put(drive, "a.txt", b"first"), await put(drive, "a.txt", b"second")
    folder = await drive.make_folder(EntryId("root"), "folder")
    await drive.rename(folder.id, "a.txt")
    assert sorted(path.name for path in root.iterdir()) == [".telpher", "a (2).txt", "a (3).txt", "a.txt"]
    assert await read_all(drive, first.id) == b"first"
    assert await read_all(drive, second.id) == b"second"


async def test_a_file_that_cannot_fit_is_refused_before_it_is_sent(drive: FolderDrive) -> None:
    spec = UploadSpec(id=None, parent_id=EntryId("root"), name="huge", mime_type="x/y", size_bytes=1 << 60)
    with pytest.raises(DriveFullError) as refused:
        await drive.begin_upload(spec)
    assert refused.value.fate is Fate.RETRY, "whoever makes room presses no button for it"


async def test_a_disk_that_fills_up_leaves_what_has_arrived(
    drive: FolderDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_of(300_000)
    spec = UploadSpec(
        id=await drive.new_id(), parent_id=EntryId("root"), name="a", mime_type="x/y", size_bytes=len(content)
    )
    session = await drive.begin_upload(spec)
    really_write = os.pwrite

    def pwrite(opened: int, piece: memoryview, offset: int) -> int:
        if offset >= 128 << 10:
            raise OSError(28, "No space left on device")
        return really_write(opened, piece, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(DriveFullError) as refused:
        await session.send(pieces(content), 0)
    assert refused.value.fate is Fate.RETRY
    monkeypatch.undo()
    assert await session.received() == 128 << 10
    entry = await session.send(pieces(content, 128 << 10), 128 << 10)
    assert isinstance(entry, Entry)
    assert await read_all(drive, entry.id) == content


async def test_a_disk_that_turned_read_only_is_waited_for(drive: FolderDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = UploadSpec(id=await drive.new_id(), parent_id=EntryId("root"), name="a", mime_type="x/y", size_bytes=5)

    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(DriveUnreachableError, match="Read-only") as refused:
        await drive.upload_small(spec, b"abcde")
    assert refused.value.fate is Fate.RETRY
    monkeypatch.undo()
    assert await read_all(drive, (await drive.upload_small(spec, b"abcde")).id) == b"abcde"


async def test_sessions_forgotten_for_a_week_are_swept(drive: FolderDrive, reopen: Reopen, root: Path) -> None:
    spec = UploadSpec(id=await drive.new_id(), parent_id=EntryId("root"), name="a", mime_type="x/y", size_bytes=5)
    await drive.begin_upload(spec)
    (partial,) = (root / ".telpher" / "uploads").iterdir()
    os.utime(partial, (0, 0))
    await (await reopen()).root()
    assert not list((root / ".telpher" / "uploads").iterdir())


async def test_a_lost_index_loses_no_file(drive: FolderDrive, reopen: Reopen, root: Path) -> None:
    await put(drive, "a.txt", b"content")
    await drive.close()
    for path in (root / ".telpher").glob("index.sqlite*"):
        path.unlink()
    again: Any = await reopen()
    (entry,) = (await again.children(EntryId("root"))).entries
    assert await read_all(again, entry.id) == b"content"


async def test_pages_stay_right_while_entries_come_and_go(drive: FolderDrive, root: Path) -> None:
    await drive.root()
    names = [f"{number}.txt" for number in range(300)]
    random.Random(3).shuffle(names)
    for name in names:
        (root / name).touch()
    first = await drive.children(EntryId("root"), limit=100)
    (root / "99.txt").unlink()
    (root / "5 new.txt").touch()
    second = await drive.children(EntryId("root"), limit=100, cursor=first.next_cursor)
    assert [entry.name for entry in second.entries] == [f"{number}.txt" for number in range(100, 200)]


async def test_memory_does_not_grow_with_the_file(drive: FolderDrive) -> None:
    size_bytes = 200 << 20
    chunk = bytes(1 << 20)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size_bytes // len(chunk)):
            yield chunk

    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spec = UploadSpec(id=None, parent_id=EntryId("root"), name="big", mime_type="x/y", size_bytes=size_bytes)
    entry = await (await drive.begin_upload(spec)).send(chunks(), 0)
    assert isinstance(entry, Entry)
    read_bytes = 0
    async with drive.read(entry.id) as got:
        async for piece in got:
            read_bytes += len(piece)
    assert read_bytes == size_bytes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 32 << 10
