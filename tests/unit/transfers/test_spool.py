"""The spool file: readers follow the writer, threads never meet a closed file, what is read is what was written."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from telpher.drives.port import ChecksumKind
from telpher.errors import SourceUnreachableError
from telpher.transfers.spool import Spool

CONTENT = random.Random(3).randbytes(3_500_000)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as threads:
        yield threads


async def _read(spool: Spool, offset: int = 0) -> bytes:
    return b"".join([piece async for piece in spool.stream(offset)])


async def test_readers_follow_the_writer_from_any_place(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    spool = await Spool.open(tmp_path / "a", threads, ChecksumKind.SHA256, trust=True)
    readers = [asyncio.get_running_loop().create_task(_read(spool, offset)) for offset in (0, 1, 700_000, 3_499_999)]
    for start in range(0, len(CONTENT), 300_000):
        piece = CONTENT[start : start + 300_000]
        await spool.append([piece[:100_000], piece[100_000:]])
        await asyncio.sleep(0)
    await spool.flush()
    spool.finish()

    assert [await reader for reader in readers] == [CONTENT[offset:] for offset in (0, 1, 700_000, 3_499_999)]
    assert (await spool.checksum()).hexdigest == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    spool.close()


async def test_a_reopened_spool_goes_on_and_hashes_what_was_there(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    (tmp_path / "a").write_bytes(CONTENT[:2_000_000])
    spool = await Spool.open(tmp_path / "a", threads, ChecksumKind.MD5, trust=True)
    assert spool.size_bytes == 2_000_000
    await spool.append([CONTENT[2_000_000:]])
    await spool.flush()
    spool.finish()
    assert await _read(spool) == CONTENT
    assert (await spool.checksum()).hexdigest == hashlib.md5(CONTENT).hexdigest()
    spool.close()


async def test_one_that_is_not_trusted_is_emptied(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    (tmp_path / "a").write_bytes(b"old")
    spool = await Spool.open(tmp_path / "a", threads, ChecksumKind.MD5, trust=False)
    assert spool.size_bytes == 0
    spool.close()


async def test_pieces_are_never_larger_than_a_mebibyte(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    spool = await Spool.open_local(tmp_path / "a", threads, ChecksumKind.MD5)
    pieces = [piece async for piece in spool.stream(5)]
    assert b"".join(pieces) == CONTENT[5:]
    assert max(map(len, pieces)) == 1 << 20
    spool.close()


async def test_closing_while_threads_work_harms_nobody(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    for n in range(20):
        spool = await Spool.open(tmp_path / str(n), threads, ChecksumKind.MD5, trust=True)
        await spool.append([CONTENT])
        spool.close()
        spool.close()
        with pytest.raises(SourceUnreachableError):
            await asyncio.get_running_loop().run_in_executor(threads, spool._read, 0)
    threads.shutdown()
    open_files = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    assert not [path for path in open_files if path.startswith(str(tmp_path))]


async def test_a_local_file_that_is_gone_or_shrinks(tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    with pytest.raises(SourceUnreachableError):
        await Spool.open_local(tmp_path / "nothing", threads, ChecksumKind.MD5)
    (tmp_path / "a").write_bytes(CONTENT)
    spool = await Spool.open_local(tmp_path / "a", threads, ChecksumKind.MD5)
    (tmp_path / "a").write_bytes(b"short")
    with pytest.raises(SourceUnreachableError):
        await _read(spool)
    with pytest.raises(SourceUnreachableError):
        await spool.checksum()
    spool.close()
