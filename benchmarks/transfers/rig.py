"""The offline Telegram and Google that all contenders use, each in a process of its own, and the files that wait in Telegram."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from benchmarks.transfers.measures import Errand, File

_TIMEOUT = aiohttp.ClientTimeout(total=600)
SCOPE = "https://www.googleapis.com/auth/drive"


class Server:
    """A running `telpher sandbox`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    async def post(self, path: str, body: Any) -> Any:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(self.url + path, json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def get(self, path: str) -> Any:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(self.url + path) as answer:
            return await answer.json()

    async def send(self, path: Path, name: str) -> File:
        """A person sends a file to the bot."""
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            with path.open("rb") as content, aiohttp.MultipartWriter("form-data") as form:
                for field, value in {"user_id": "1001", "kind": "document"}.items():
                    form.append(value).set_content_disposition("form-data", name=field)
                part = form.append(content)
                part.set_content_disposition("form-data", name="file", filename=name)
                async with session.post(f"{self.url}/chat/api/files", data=form) as answer:
                    assert answer.status == 200, await answer.text()
                    (message,) = (await answer.json())["messages"]
        return File(message["document"]["file_id"], name, size_bytes)


@contextlib.asynccontextmanager
async def serving(state_dir: Path) -> AsyncIterator[Server]:
    """Ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telpher.cli", "sandbox", "--local", "--beside-a-parent", "--port", "0"),
        *("--state-dir", str(state_dir)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            told = json.loads(await process.stdout.readline())
        yield Server(told["url"], told["token"])
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


class Rig:
    """Telegram at one end, Google at the other."""

    def __init__(self, telegram: Server, google: Server, place: Path, granted: dict[str, Any]) -> None:
        self.telegram = telegram
        self.google = google
        self.place = place
        self.granted = granted
        self._runs = 0

    async def file(self, size_bytes: int, name: str) -> tuple[Path, File]:
        """A file of noise, here and in Telegram."""
        path = self.place / name
        with path.open("wb") as out:
            for start in range(0, size_bytes, 1 << 24):
                out.write(os.urandom(min(1 << 24, size_bytes - start)))
        return path, await self.telegram.send(path, name)

    def errand(self, files: list[File]) -> Errand:
        """For one contender, in a new directory."""
        self._runs += 1
        work_dir = self.place / f"run-{self._runs}"
        work_dir.mkdir()
        url, token = self.telegram.url, self.telegram.token
        return Errand(url, self.google.url, token, self.granted, tuple(files), str(work_dir))


@contextlib.asynccontextmanager
async def rig(place: Path) -> AsyncIterator[Rig]:
    """Both servers, a warm-up file in Telegram."""
    async with serving(place / "telegram") as telegram, serving(place / "google") as google:
        granted = await google.post("/sandbox/google/token", {"scope": SCOPE})
        yield Rig(telegram, google, place, granted)
