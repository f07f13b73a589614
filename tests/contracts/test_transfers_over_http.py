"""The transfer engine between an offline Telegram and an offline Google over real HTTP: under each single fault, and under all together."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.google_account import GoogleAccount, google_account
from tests.driver import Person

from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.bot.telegram_source import TelegramSources
from telpher.drives.google import GoogleDrive
from telpher.drives.port import Checksum, ChecksumKind, Entry
from telpher.errors import Fate, LoginRequiredError, TelpherError
from telpher.sandbox.service import DEFAULT_TOKEN
from telpher.settings import Secret
from telpher.store import Store, open_store
from telpher.transfers.carrier import Carrier
from telpher.transfers.patience import PatienceLimits
from telpher.transfers.port import TransferId, TransferRequest

BIG = random.Random(5).randbytes(12_000_000)
SMALL = random.Random(6).randbytes(300_000)
PUT, POST = "PUT /upload/drive/v3/files", "POST /upload/drive/v3/files"
IN_FLIGHT_BYTES = 6 << 20
"""What the kernel's buffers on both sides of loopback may swallow of a connection that is reset."""


@dataclasses.dataclass
class Line:
    """Telegram at one end, Google at the other, a carrier between them."""

    account: GoogleAccount
    drive: GoogleDrive
    sources: TelegramSources
    store: Store
    spool_dir: Path
    carrier: Carrier
    anna: Person

    async def send(self, content: bytes) -> TransferRequest:
        message = await self.anna.send_file(content, "a.bin", kind="document")
        return TransferRequest(
            id=TransferId(f"1:2:{message['message_id']}"),
            person_id=1001,
            source_ref=json.dumps({"file_id": message["document"]["file_id"], "size_bytes": len(content)}),
            parent_id=None,
            name="a.bin",
            mime_type="application/octet-stream",
            size_bytes=len(content),
            modified_at=None,
        )

    async def carry(self, request: TransferRequest, *, attempts: int = 1) -> Entry:
        """As the queue would: again after each error that is worth it."""
        for attempt in range(attempts):
            try:
                return await self.carrier.carry(
                    request, drive=self.drive, open_source=self.sources, tell=lambda _: None
                )
            except TelpherError as error:
                if attempt == attempts - 1 or error.fate is Fate.PERMANENT:
                    raise
        raise AssertionError("unreachable")

    async def assert_arrived(self, entry: Entry, content: bytes) -> None:
        (kept,) = [one for one in await self.account.files() if not one["is_trashed"]]
        assert (kept["id"], kept["size_bytes"]) == (entry.id, len(content))
        assert kept["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry.checksum == Checksum(ChecksumKind.SHA256, kept["sha256"])
        assert list(self.spool_dir.iterdir()) == []

    async def uploaded_bytes(self) -> int:
        log: list[dict[str, Any]] = await self.account.get("/sandbox/log")
        return sum(line["bytes_in"] for line in log if line["path"].startswith("/upload/") and line["method"] == "PUT")


def _carrier(store: Store, spool_dir: Path, drive: GoogleDrive) -> Carrier:
    async def find_drive(person_id: int, name: str) -> GoogleDrive:
        return drive

    return Carrier(
        store,
        spool_dir=spool_dir,
        spool_limit_bytes=1 << 30,
        headroom_bytes=0,
        find_drive=find_drive,
        patience=PatienceLimits(attempts=4, base_s=0.01, cap_s=0.02, landing_s=0),
    )


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    store = open_store(tmp_path / "telpher.db")
    async with google_account(tmp_path) as account, AiohttpRequest() as request, Person(account.url) as anna:
        drive = await account.open()
        sources = TelegramSources(request, ApiAddress(account.url, Secret(DEFAULT_TOKEN)), is_local=False)
        carrier = _carrier(store, tmp_path / "spool", drive)
        line = Line(account, drive, sources, store, tmp_path / "spool", carrier, anna)
        yield line
        await line.carrier.close()
    await store.close()


@pytest.mark.parametrize("content", [b"x", SMALL, BIG], ids=["one byte", "small", "big"])
async def test_a_file_arrives(line: Line, content: bytes) -> None:
    entry = await line.carry(await line.send(content))
    await line.assert_arrived(entry, content)
    assert await line.account.get("/sandbox/google/sessions") == []


UPLOAD_FAULTS = {
    "cut in the middle": {"match": PUT, "kind": "cut_request", "after_bytes": 5_000_000, "times": 1},
    "cut again and again": {"match": PUT, "kind": "cut_request", "after_bytes": 2_000_000, "times": 5},
    "answer lost": {"match": PUT, "kind": "drop_answer", "times": 1},
    "part taken": {"match": PUT, "kind": "partial", "after_bytes": 3 << 20, "times": 2},
    "503": {"match": PUT, "kind": "status", "status": 503, "after_bytes": 4_000_000, "times": 2},
    "500 at once": {"match": PUT, "kind": "status", "status": 500, "times": 2},
    "429": {"match": PUT, "kind": "status", "status": 429, "retry_after": 0, "times": 2},
    "rate limit": {"match": PUT, "kind": "status", "status": 403, "reason": "userRateLimitExceeded", "times": 2},
    "session 404": {"match": PUT, "kind": "status", "status": 404, "times": 1},
    "session 410": {"match": PUT, "kind": "status", "status": 410, "times": 1},
    "token expired": {"match": PUT, "kind": "status", "status": 401, "times": 1},
    "session's answer lost": {"match": POST, "kind": "drop_answer", "times": 1},
    "no session yet": {"match": POST, "kind": "status", "status": 503, "times": 2},
}
DOWNLOAD_FAULTS = {
    "cut": {"match": "GET /file/", "kind": "cut_response", "after_bytes": 7_000_000, "times": 1},
    "cut often": {"match": "GET /file/", "kind": "cut_response", "after_bytes": 3_000_000, "times": 3},
    "cut at once": {"match": "GET /file/", "kind": "cut_response", "after_bytes": 0, "times": 2},
    "no answer": {"match": "GET /file/", "kind": "drop_answer", "times": 2},
    "502": {"match": "GET /file/", "kind": "status", "status": 502, "times": 2},
    "getFile 429": {"match": "/getFile", "kind": "status", "status": 429, "retry_after": 0, "times": 1},
    "getFile lost": {"match": "/getFile", "kind": "drop_answer", "times": 1},
}


@pytest.mark.parametrize("fault", [pytest.param(rule, id=name) for name, rule in UPLOAD_FAULTS.items()])
async def test_each_fault_of_an_upload(line: Line, fault: dict[str, Any]) -> None:
    request = await line.send(BIG)
    await line.account.post("/sandbox/faults", fault)

    entry = await line.carry(request, attempts=4)

    await line.assert_arrived(entry, BIG)
    if fault["kind"] != "partial" and fault.get("status") not in {404, 410}:
        # What the drive had taken was not sent again; each break may waste what was on the line just then.
        wasted = await line.uploaded_bytes() - len(BIG)
        assert wasted <= IN_FLIGHT_BYTES * fault["times"]


@pytest.mark.parametrize("fault", [pytest.param(rule, id=name) for name, rule in DOWNLOAD_FAULTS.items()])
async def test_each_fault_of_a_download(line: Line, fault: dict[str, Any]) -> None:
    request = await line.send(BIG)
    await line.account.post("/sandbox/faults", fault)

    entry = await line.carry(request, attempts=4)

    await line.assert_arrived(entry, BIG)
    assert await line.uploaded_bytes() == len(BIG)


@pytest.mark.parametrize("kind", ["drop_answer", "cut_request"])
async def test_a_small_file_whose_answer_is_lost_lands_once(line: Line, kind: str) -> None:
    request = await line.send(SMALL)
    await line.account.fault(POST, kind, after_bytes=100_000, times=3)
    entry = await line.carry(request, attempts=3)
    await line.assert_arrived(entry, SMALL)


async def test_bytes_that_the_drive_holds_are_not_sent_again(line: Line) -> None:
    request = await line.send(BIG)
    await line.account.fault(PUT, "partial", after_bytes=8 << 20)
    entry = await line.carry(request)
    await line.assert_arrived(entry, BIG)
    sent = [one for one in await line.account.get("/sandbox/log") if one["method"] == "PUT" and one["bytes_in"]]
    assert sent[-1]["bytes_in"] == len(BIG) - (8 << 20)


async def test_sessions_that_expire_are_begun_again_with_the_same_id(line: Line) -> None:
    request = await line.send(BIG)
    await line.account.fault(PUT, "cut_request", after_bytes=4_000_000)
    await line.account.fault(PUT, "status", status=429, retry_after=600, skip=1)
    with pytest.raises(TelpherError):
        await line.carry(request)
    before = await line.account.get("/sandbox/google/sessions")
    line.drive = await line.account.open()
    await line.account.post("/sandbox/google/expire", {"what": "sessions"})
    await line.account.post("/sandbox/google/expire", {"what": "access_tokens"})

    entry = await line.carry(request, attempts=4)

    assert [one["metadata"]["id"] for one in before] == [entry.id]
    await line.assert_arrived(entry, BIG)


async def test_a_login_that_ended_keeps_session_and_spool_until_the_next(line: Line) -> None:
    request = await line.send(BIG)
    await line.account.fault(PUT, "cut_request", after_bytes=6_000_000)
    await line.account.fault(PUT, "status", status=401, skip=1, times=2)
    await line.account.fault("POST /token", "status", status=400, body={"error": "invalid_grant"})
    with pytest.raises(LoginRequiredError):
        await line.carry(request)
    held = [one["held_bytes"] for one in await line.account.get("/sandbox/google/sessions")]
    uploaded = await line.uploaded_bytes()
    line.drive = await line.account.open()

    entry = await line.carry(request, attempts=2)

    await line.assert_arrived(entry, BIG)
    assert await line.uploaded_bytes() - uploaded == len(BIG) - held[0]


@pytest.mark.parametrize("seed", range(4))
async def test_all_faults_together_and_restarts_on_top(line: Line, seed: int) -> None:
    chance = random.Random(seed)
    content = BIG if seed % 2 else BIG[:6_000_000]
    request = await line.send(content)
    rules = [{**rule, "probability": 0.3, "seed": seed} for rule in (UPLOAD_FAULTS | DOWNLOAD_FAULTS).values()]
    await line.account.post("/sandbox/faults", rules)
    entry: Entry | None = None
    async with asyncio.timeout(90):
        while entry is None:
            running = asyncio.get_running_loop().create_task(line.carry(request))
            await asyncio.wait({running}, timeout=chance.uniform(0.01, 0.8))
            running.cancel()
            (end,) = await asyncio.gather(running, return_exceptions=True)
            assert isinstance(end, (Entry, TelpherError, asyncio.CancelledError)), end
            entry = end if isinstance(end, Entry) else None
            await line.carrier.close()
            line.carrier = _carrier(line.store, line.spool_dir, line.drive)
    await line.carrier.start()
    (kept,) = [one for one in await line.account.files() if not one["is_trashed"]]
    assert (kept["id"], kept["md5"]) == (entry.id, hashlib.md5(content).hexdigest())
    assert list(line.spool_dir.iterdir()) == []
