"""The sandbox's memory does not depend on a file's size, in either direction, with faults in the way or not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

SIZE_BYTES = 192 * 1024 * 1024
BOUND_BYTES = 32 * 1024 * 1024
_PIECE = bytes(1024 * 1024)
_PROGRAM = """
import asyncio, pathlib, sys
from telpher.sandbox.service import Sandbox

async def main():
    async with Sandbox(state_dir=pathlib.Path(sys.argv[1])) as sandbox:
        print(sandbox.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@asynccontextmanager
async def _sandbox_process(state_dir: Path) -> AsyncIterator[tuple[str, int]]:
    """A sandbox in a process of its own, so that its memory can be seen; its address and process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, str(state_dir), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            url = (await process.stdout.readline()).decode().strip()
        yield url, process.pid
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _peak_bytes(process_id: int) -> int:
    """The most memory that a process has ever had resident."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell")


async def _zeros(size_bytes: int) -> AsyncIterator[bytes]:
    for _ in range(size_bytes // len(_PIECE)):
        yield _PIECE


async def _there_and_back(session: aiohttp.ClientSession, url: str, size_bytes: int) -> None:
    params = {"uploadType": "resumable", "fields": "id,size"}
    async with session.post(f"{url}/upload/drive/v3/files", params=params, json={"name": "zeros"}) as answer:
        upload = answer.headers["Location"]
    headers = {"Content-Length": str(size_bytes)}
    async with session.put(upload, data=_zeros(size_bytes), headers=headers) as answer:
        file: dict[str, Any] = await answer.json()
    assert file["size"] == str(size_bytes)
    got_bytes = 0
    async with session.get(f"{url}/drive/v3/files/{file['id']}", params={"alt": "media"}) as answer:
        async for chunk in answer.content.iter_any():
            got_bytes += len(chunk)
    assert got_bytes == size_bytes


@pytest.mark.parametrize("is_slowed", [False, True])
async def test_memory_stays_flat(tmp_path: Path, is_slowed: bool) -> None:
    timeout = aiohttp.ClientTimeout(total=60)
    async with _sandbox_process(tmp_path) as (url, process_id), aiohttp.ClientSession(timeout=timeout) as session:
        async with session.post(
            f"{url}/sandbox/google/token", json={"scope": "https://www.googleapis.com/auth/drive"}
        ) as answer:
            session.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
        if is_slowed:
            rule = {"match": "/", "kind": "bandwidth", "bytes_per_s": 400_000_000}
            async with session.post(f"{url}/sandbox/faults", json=rule) as answer:
                assert answer.status == 200
        await _there_and_back(session, url, 4 * len(_PIECE))
        before = _peak_bytes(process_id)
        await _there_and_back(session, url, SIZE_BYTES)
        assert _peak_bytes(process_id) - before < BOUND_BYTES
