"""An offline Telegram and Google in one process and Telpher in another, which can be killed and started again on the same state."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any

import aiohttp

from telpher.accounts.google_account import keep
from telpher.accounts.google_oauth import AuthorizedUser
from telpher.accounts.keys import open_keys
from telpher.accounts.vault import Vault
from telpher.store import open_store

SCOPE = "https://www.googleapis.com/auth/drive.file"
_READY_LIMIT_S = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=120)


class Servers:
    """The running sandbox, and what is asked of it from outside."""

    def __init__(self, url: str, token: str, owner_id: int, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.token = token
        self.owner_id = owner_id
        self._http = http

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self._http.request(method, self.url + path, json=body) as answer:
            assert answer.status < 300, f"{method} {path}: {await answer.text()}"
            return await answer.json()

    async def fault(self, **rule: Any) -> None:
        """Break something from now on."""
        await self.ask("POST", "/sandbox/faults", rule)

    async def clear_faults(self) -> list[dict[str, Any]]:
        """Break nothing any more; what there was, and how often it struck."""
        rules = await self.ask("GET", "/sandbox/faults")
        await self.ask("DELETE", "/sandbox/faults")
        found: list[dict[str, Any]] = rules if isinstance(rules, list) else rules["rules"]
        return found

    async def files(self) -> list[dict[str, Any]]:
        """Every file in every account's drive, the trash included."""
        listed = await self.ask("GET", "/sandbox/google/files")
        return [one for one in listed if not one["is_folder"]]


@contextlib.asynccontextmanager
async def serving(state_dir: Path) -> AsyncIterator[Servers]:
    """Ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telpher.cli", "sandbox", "--beside-a-parent", "--port", "0"),
        *("--state-dir", str(state_dir)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_LIMIT_S):
            told = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
            yield Servers(told["url"], told["token"], told["owner_id"], http)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


async def connect_drives(servers: Servers, data_dir: Path, person_ids: Sequence[int]) -> Path:
    """Give everyone a Google account of their own, connected already; the client's file that Telpher is to be given."""
    store = await asyncio.to_thread(open_store, data_dir / "telpher.db")
    client_file = data_dir / "credentials.json"
    client = json.dumps(await servers.ask("GET", "/sandbox/google/credentials.json"))
    await asyncio.to_thread(client_file.write_text, client)
    try:
        vault = Vault(store, await asyncio.to_thread(open_keys, data_dir))
        for person_id in person_ids:
            subject = f"person-{person_id}@example.com"
            await servers.ask("POST", "/sandbox/google/accounts", {"email": subject})
            granted = await servers.ask("POST", "/sandbox/google/token", {"account": subject, "scope": SCOPE})
            await keep(vault, AuthorizedUser.from_json(json.dumps(granted)), person_id=person_id, subject=subject)
    finally:
        await store.close()
    return client_file


class Telpher:
    """`telpher run` as a child: started, killed, started again. `ups` and `downs` are when it was ready and when it was killed."""

    def __init__(
        self, servers: Servers, data_dir: Path, owner_ids: Sequence[int], client_file: Path, log: Path
    ) -> None:
        self.data_dir = data_dir
        self.log_path = log
        self.ups: list[float] = []
        self.downs: list[float] = []
        self.starts_s: list[float] = []
        self._child: asyncio.subprocess.Process | None = None
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self._environment = inherited | {
            "TELEGRAM_TOKEN": servers.token,
            "TELEGRAM_API_URL": servers.url,
            "GOOGLE_API_URL": servers.url,
            "GOOGLE_OAUTH_URL": servers.url,
            "GOOGLE_LOGIN_URL": servers.url,
            "GOOGLE_CREDENTIALS_FILE": str(client_file),
            "DRIVE": "google",
            "DATA_DIR": str(data_dir),
            "OWNER_IDS": ",".join(map(str, owner_ids)),
            "WEB_PORT": "0",
            "LOG_FORMAT": "text",
        }

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def start(self) -> None:
        """Until it says that it is ready."""
        began_s = time.monotonic()
        log: IO[bytes]
        with self.log_path.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "telpher.cli", "run"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.data_dir,
                env=self._environment,
            )
        assert self._child.stdout is not None
        async with asyncio.timeout(_READY_LIMIT_S):
            while line := (await self._child.stdout.readline()).decode():
                if "Ctrl-C stops it." in line:
                    self.ups.append(time.monotonic())
                    self.starts_s.append(self.ups[-1] - began_s)
                    return
        raise RuntimeError(f"Telpher ended by itself:\n{self.log_path.read_text()[-3000:]}")

    async def kill(self) -> None:
        """kill -9."""
        assert self._child is not None
        if self._child.returncode is not None:
            raise RuntimeError(f"Telpher had ended by itself:\n{self.log_path.read_text()[-3000:]}")
        self._child.kill()
        self.downs.append(time.monotonic())
        await self._child.wait()

    async def stop(self) -> int:
        """Ctrl-C; the exit code."""
        assert self._child is not None
        if self._child.returncode is None:
            self._child.terminate()
        return await asyncio.wait_for(self._child.wait(), 20)

    def was_down_between(self, first_s: float, last_s: float) -> bool:
        """Whether it was not there at some moment between these two (monotonic time)."""
        ends = [*self.ups[1:], float("inf")]
        return any(down <= last_s and first_s <= up for down, up in zip(self.downs, ends, strict=False))
