"""The streamed archive: of exactly the size that was told, read by everybody's zip programs, never with bytes of another file."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import io
import random
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telpher.drives.port import Checksum, ChecksumKind
from telpher.errors import ContentChangedError
from telpher.transfers.zip_stream import Member, OpenContent, ZipLayout

NOON = dt.datetime(2026, 11, 22, 12, 0, 30, tzinfo=dt.UTC)
SMALL = ZipLayout(bytes_limit=500, members_limit=3)
"""Changes to the larger numbers at once, so that they are read back without files of four gigabytes."""


def opening(content: bytes, piece_bytes: int = 1000) -> OpenContent:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(content), piece_bytes):
                yield content[start : start + piece_bytes]

        yield pieces()

    return opened


def member(path: str, content: bytes, *, told: bytes | None = None, size_bytes: int | None = None) -> Member:
    digest = hashlib.md5(content if told is None else told).hexdigest()
    size = len(content) if size_bytes is None else size_bytes
    return Member(path, NOON, size, opening(content), Checksum(ChecksumKind.MD5, digest))


async def archive(members: list[Member], layout: ZipLayout | None = None) -> bytes:
    return b"".join([chunk async for chunk in (layout or ZipLayout()).chunks(members)])


contents = st.dictionaries(st.text("aяß日👪 .-", min_size=1, max_size=20), st.binary(max_size=2000), max_size=8)


@settings(max_examples=60, deadline=None)
@given(contents, st.sampled_from([ZipLayout(), SMALL, ZipLayout(bytes_limit=1, members_limit=1)]))
def test_what_goes_in_comes_out_and_the_size_is_as_told(files: dict[str, bytes], layout: ZipLayout) -> None:
    members = [member(f"folder/{number} {name}", content) for number, (name, content) in enumerate(files.items())]
    members.append(Member("empty folder", NOON))
    data = asyncio.run(archive(members, layout))
    assert len(data) == layout.size_of(members)
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        assert read.testzip() is None
        assert read.namelist() == [*(one.path for one in members[:-1]), "empty folder/"]
        for one, content in zip(members[:-1], files.values(), strict=True):
            assert read.read(one.path) == content


@pytest.mark.parametrize("layout", [ZipLayout(), SMALL])
@pytest.mark.parametrize(
    "command", [["unzip", "-tqq"], ["bsdtar", "-tf"], ["7z", "t"], ["jar", "tf"]], ids=lambda command: command[0]
)
async def test_other_programs_read_it(tmp_path: Path, layout: ZipLayout, command: list[str]) -> None:
    program = shutil.which(command[0])
    members = [member("Отчёт №5.txt", b"x" * 5000), member("a/b.bin", random.Random(1).randbytes(10_000))]
    path = tmp_path / "archive.zip"
    path.write_bytes(await archive([*members, Member("c", NOON)], layout))
    if program is None:
        # Python's own reader stands for a program that is not on this machine.
        with zipfile.ZipFile(path) as read:
            assert read.testzip() is None
        return
    done = await asyncio.to_thread(
        subprocess.run, [program, *command[1:], path], capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_times_are_kept() -> None:
    with zipfile.ZipFile(io.BytesIO(await archive([member("a", b"x")]))) as read:
        info = read.getinfo("a")
    local = NOON.astimezone()
    assert info.date_time == (local.year, local.month, local.day, local.hour, local.minute, 30)
    assert info.extra[:5] == b"UT\x05\x00\x01"
    assert int.from_bytes(info.extra[5:9], "little") == int(NOON.timestamp())


@pytest.mark.parametrize("year", [1970, 2200])
async def test_times_that_the_format_cannot_say(year: int) -> None:
    odd = Member("a", NOON.replace(year=year), 1, opening(b"x"))
    with zipfile.ZipFile(io.BytesIO(await archive([odd]))) as read:
        assert read.getinfo("a").date_time[0] in {1980, 2107}


async def test_numbers_of_more_than_32_bits() -> None:
    sizes = [5 << 30, 3 << 30, 1]
    large = [Member(str(number), NOON, size, opening(b"")) for number, size in enumerate(sizes)]
    small = [Member(str(number), NOON, 0, opening(b"")) for number in range(len(sizes))]
    layout = ZipLayout()
    # The first is large itself (in its head, its sums and the directory), the others only lie behind it; and the end says so.
    grown = layout.size_of(large) - sum(sizes) - layout.size_of(small)
    assert grown == (20 + 8 + 20) + 12 + 12 + (56 + 20)


@pytest.mark.parametrize(
    "damaged",
    [
        member("a", b"content", told=b"another"),
        member("a", b"content", size_bytes=8),
        member("a", b"content", size_bytes=6),
    ],
)
async def test_what_is_not_the_file_is_never_finished(damaged: Member) -> None:
    with pytest.raises(ContentChangedError):
        await archive([member("first", b"first"), damaged])


async def test_memory_does_not_grow_with_the_archive() -> None:
    piece = bytes(1 << 20)

    @contextlib.asynccontextmanager
    async def large() -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(200):
                yield piece

        yield pieces()

    members = [Member("large", NOON, 200 << 20, large)]
    tracemalloc.start()
    try:
        total = 0
        async for chunk in ZipLayout().chunks(members):
            total += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == ZipLayout().size_of(members)
    assert peak < 4 << 20
