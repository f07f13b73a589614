"""An offline Google with one account that has granted us access: opens drives on it and steers its faults."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_oauth import DRIVE_FILE_SCOPE, AuthorizedUser
from telpher.drives.google import GoogleDrive, open_google_drive
from telpher.drives.pacing import Pace
from telpher.sandbox.service import Sandbox


class GoogleAccount:
    """One account; each `open` is a process of its own that knows nothing of the others."""

    def __init__(self, url: str, control: aiohttp.ClientSession, state_dir: Path, granted: dict[str, Any]) -> None:
        self.url = url
        self._control = control
        self._state_dir = state_dir
        self._granted = granted
        self._opened: list[GoogleDrive] = []

    async def open(self, **more: Any) -> GoogleDrive:
        authorizer = GoogleAuthorizer(AuthorizedUser.from_json(json.dumps(self._granted)), oauth_url=self.url)
        # Refusals are waited for, but not for as long as in earnest.
        pace = Pace(rate_per_s=10_000, burst=1000, draw=lambda: 0.01)
        fields = {"pace": pace, "home_file": self._state_dir / "google-home"} | more
        self._opened.append(await open_google_drive(api_url=self.url, authorizer=authorizer, **fields))
        return self._opened[-1]

    async def close(self) -> None:
        for drive in self._opened:
            await drive.close()

    async def fault(self, match: str, kind: str, **more: Any) -> None:
        await self.post("/sandbox/faults", {"match": match, "kind": kind, "times": 1, **more})

    async def post(self, path: str, body: Any) -> Any:
        async with self._control.post(self.url + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def get(self, path: str) -> Any:
        async with self._control.get(self.url + path) as answer:
            return await answer.json()

    async def files(self) -> list[dict[str, Any]]:
        return [item for item in await self.get("/sandbox/google/files") if not item["is_folder"]]


@contextlib.asynccontextmanager
async def google_account(tmp_path: Path, *, scope: str = DRIVE_FILE_SCOPE) -> AsyncIterator[GoogleAccount]:
    async with Sandbox(state_dir=tmp_path / "sandbox") as sandbox, aiohttp.ClientSession() as control:
        async with control.post(f"{sandbox.url}/sandbox/google/token", json={"scope": scope}) as answer:
            granted = await answer.json()
        account = GoogleAccount(sandbox.url, control, tmp_path, granted)
        try:
            yield account
        finally:
            await account.close()
