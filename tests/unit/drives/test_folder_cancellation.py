"""Whoever gives up waiting for the folder drive, at whatever instant, leaves no descriptor open."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from telpher.drives.folder import FolderDrive
from telpher.drives.folder.cabinet import ROOT_ID
from telpher.drives.port import UploadSpec

TIMES = 300


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[FolderDrive]:
    drive = FolderDrive(tmp_path / "drive")
    await drive.root()
    yield drive
    await drive.close()


def _spec(size_bytes: int) -> UploadSpec:
    return UploadSpec(id=None, parent_id=ROOT_ID, name="a.bin", mime_type="text/plain", size_bytes=size_bytes)


def _open_below(folder: Path) -> list[str]:
    """The files in `folder` that this process holds open."""
    held = []
    for opened in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.append(str(opened.readlink()))
    return [path for path in held if path.startswith(f"{folder}/")]


async def _give_up(work: Callable[[], Awaitable[object]], chance: random.Random) -> None:
    """Let it go on for a moment, then cancel it, perhaps again while it cleans up."""

    async def working() -> None:
        await work()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(working())
        await asyncio.sleep(chance.choice([0.0, chance.uniform(0, 0.004)]))
        for _ in range(chance.choice([1, 2, 3])):
            task.cancel()
            await asyncio.sleep(0)


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(10_000)


async def test_an_upload_that_is_given_up_closes_its_file(drive: FolderDrive, tmp_path: Path) -> None:
    chance = random.Random(3)
    for _ in range(TIMES):
        session = await drive.begin_upload(_spec(1_000_000))
        await _give_up(lambda session=session: session.send(_pieces(20), 0), chance)  # type: ignore[misc]
        await session.cancel()
    await drive.close()
    assert _open_below(tmp_path) == []


async def test_an_upload_that_was_given_up_goes_on_where_it_stands(drive: FolderDrive) -> None:
    chance = random.Random(5)
    content = chance.randbytes(200_000)

    async def rest(offset: int) -> AsyncIterator[bytes]:
        for start in range(offset, len(content), 10_000):
            yield content[start : start + 10_000]

    session = await drive.begin_upload(_spec(len(content)))
    for _ in range(5):
        held = await session.received()
        if isinstance(held, int):
            await _give_up(lambda held=held: session.send(rest(held), held), chance)  # type: ignore[misc]
    held = await session.received()
    entry = await session.send(rest(held), held) if isinstance(held, int) else held
    assert not isinstance(entry, int)
    assert entry.checksum is not None
    assert entry.checksum.hexdigest == hashlib.sha256(content).hexdigest()


async def test_a_reader_that_goes_away_closes_its_file(drive: FolderDrive, tmp_path: Path) -> None:
    content = bytes(50_000)
    spec = _spec(len(content))
    entry = await drive.upload_small(spec, content)

    async def read() -> None:
        async with drive.read(entry.id) as pieces:
            async for _ in pieces:
                pass

    chance = random.Random(4)
    for _ in range(TIMES):
        await _give_up(read, chance)
    await drive.close()
    assert _open_below(tmp_path) == []
