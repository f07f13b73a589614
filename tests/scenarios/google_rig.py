"""A Telpher over the offline Google, for the scenarios that look at the drive from outside as well."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import aiohttp

from telpher.sandbox.service import Sandbox
from telpher.settings import DriveKind, Settings

WHOLE_DRIVE = "https://www.googleapis.com/auth/drive"
OWN_FILES = "https://www.googleapis.com/auth/drive.file"


async def google(sandbox: Sandbox, method: str, path: str, **body: Any) -> Any:
    """What a test may do to the offline Google from outside."""
    return await _ask(method, f"{sandbox.url}/sandbox/google/{path}", json=body or None)


async def write_token(sandbox: Sandbox, file: Path, scope: str = OWN_FILES) -> dict[str, Any]:
    """Anna's log-in, as Google's quickstart writes it; what is in it."""
    granted: dict[str, Any] = await google(sandbox, "POST", "token", account="anna@example.com", scope=scope)
    file.write_text(json.dumps(granted))
    return granted


async def over_google(
    settings: Settings,
    sandbox: Sandbox,
    tmp_path: Path,
    owners: tuple[int, ...] = (1001, 1002),
    *,
    scope: str = WHOLE_DRIVE,
) -> Settings:
    """Settings for a Google Drive, which is the first owner's; the others have folders of their own."""
    token_file = tmp_path / "token.json"
    await write_token(sandbox, token_file, scope)
    return dataclasses.replace(settings, drive=DriveKind.GOOGLE, google_token_file=token_file, owner_ids=owners)


class Outside:
    """Google as its owner sees it through another program."""

    def __init__(self, sandbox: Sandbox, token: str) -> None:
        self._sandbox = sandbox
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def of(cls, sandbox: Sandbox) -> Outside:
        """Signed in as Anna."""
        granted = await google(sandbox, "POST", "token", scope=WHOLE_DRIVE)
        return cls(sandbox, granted["token"])

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """A call to Drive's own API."""
        return await _ask(method, f"{self._sandbox.url}/drive/v3/{path}", headers=self._headers, **more)

    async def upload(self, name: str, content: bytes, parent_id: str) -> str:
        """A new file with these bytes; its id."""
        made = await self.ask("POST", "files", json={"name": name, "parents": [parent_id]})
        url = f"{self._sandbox.url}/upload/drive/v3/files/{made['id']}?uploadType=media"
        await _ask("PATCH", url, headers=self._headers, data=io.BytesIO(content))
        return str(made["id"])

    async def file_id(self, name: str) -> str:
        """The one file of this name."""
        answer = await self.ask("GET", "files", params={"q": f"name = '{name}' and trashed = false"})
        (found,) = answer["files"]
        return str(found["id"])

    async def shared_with(self, name: str) -> dict[str, str]:
        """Who besides the owner may do what: address (empty: anyone with the link) → Google's role."""
        fields = {"fields": "permissions(type,role,emailAddress)"}
        answer = await self.ask("GET", f"files/{await self.file_id(name)}/permissions", params=fields)
        return {one.get("emailAddress", ""): one["role"] for one in answer["permissions"] if one["role"] != "owner"}

    async def requests(self, part: str) -> list[str]:
        """`METHOD /path` of everything that was asked of the sandbox and contains `part`."""
        log = await _ask("GET", f"{self._sandbox.url}/sandbox/log")
        listed = log["requests"] if isinstance(log, dict) else log
        lines = [f"{one['method']} {one['path']}" for one in listed]
        return [line for line in lines if part in line]


async def _ask(method: str, url: str, **more: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.request(method, url, **more) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json() if answer.status != 204 else None
