"""An offline Telegram and Google in one process and Telpher in another, which can be killed and started again on the same state."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
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

OWN_FILES = "https://www.googleapis.com/auth/drive.file"
WHOLE_DRIVE = "https://www.googleapis.com/auth/drive"
FRIEND = "friend@example.com"
_WHOLE_EVERY = 5
_READY_LIMIT_S = 60.0
_TIMEOUT = aiohttp.ClientTimeout(total=120)


class Servers:
    """The running sandbox, and what is asked of it from outside."""

    def __init__(self, url: str, token: str, owner_id: int, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.token = token
        self.owner_id = owner_id
        self.http = http

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.url + path, json=body) as answer:
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


def email_of(person_id: int) -> str:
    """Whose drive a person's files go to."""
    return f"person-{person_id}@example.com"


def second_email_of(person_id: int) -> str:
    """Another account of theirs."""
    return f"second-{person_id}@example.com"


async def connect_drives(servers: Servers, data_dir: Path, person_ids: Sequence[int]) -> Path:
    """Give everyone a Google account of their own, connected already; the client's file that Telpher is to be given.

    Every fifth has let Telpher see the whole drive, where documents of Google's lie.
    """
    store = await asyncio.to_thread(open_store, data_dir / "telpher.db")
    client_file = data_dir / "credentials.json"
    client = json.dumps(await servers.ask("GET", "/sandbox/google/credentials.json"))
    await asyncio.to_thread(client_file.write_text, client)
    try:
        vault = Vault(store, await asyncio.to_thread(open_keys, data_dir))
        await servers.ask("POST", "/sandbox/google/settings", {"device_interval_s": 0.5})
        await servers.ask("POST", "/sandbox/google/accounts", {"email": FRIEND})
        for place, person_id in enumerate(person_ids):
            subject = email_of(person_id)
            for address in (subject, second_email_of(person_id)):
                await servers.ask("POST", "/sandbox/google/accounts", {"email": address})
            is_whole = place % _WHOLE_EVERY == 0
            granted = await servers.ask(
                "POST",
                "/sandbox/google/token",
                {"account": subject, "scope": WHOLE_DRIVE if is_whole else OWN_FILES},
            )
            await keep(vault, AuthorizedUser.from_json(json.dumps(granted)), person_id=person_id, subject=subject)
            if is_whole:
                await _add_documents(servers, subject)
    finally:
        await store.close()
    return client_file


async def _add_documents(servers: Servers, account: str) -> None:
    for kind in ("document", "spreadsheet", "presentation"):
        mime_type = f"application/vnd.google-apps.{kind}"
        body = {"account": account, "name": f"Quarterly {kind}", "mime_type": mime_type, "text": "one,two"}
        await servers.ask("POST", "/sandbox/google/documents", body)


class Telpher:
    """`telpher run` as a child: started, killed, started again. `ups` and `downs` are when it was ready and when it was killed."""

    def __init__(
        self, servers: Servers, data_dir: Path, owner_ids: Sequence[int], client_file: Path, log: Path
    ) -> None:
        self.data_dir = data_dir
        self.web_port = _free_port()
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
            "WEB_PORT": str(self.web_port),
            "LOG_FORMAT": "text",
        }

    @property
    def metrics_url(self) -> str:
        """What a monitor reads."""
        return f"http://127.0.0.1:{self.web_port}/metrics"

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
