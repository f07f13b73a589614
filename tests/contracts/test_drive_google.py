"""The Google drive under the suite for every drive, against the offline Google."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.drive_contract import DriveContract, Reopen
from tests.contracts.google_account import GoogleAccount, google_account
from tests.contracts.sharing_contract import CLARA, ExportContract, SharingContract
from tests.contracts.shelves_contract import ShelvesContract

from telpher.drives.google import GoogleDrive
from telpher.drives.port import EntryId, GrantRole, UploadSpec
from telpher.errors import ExportTooBigError, GranteeInvalidError


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[GoogleAccount]:
    async with google_account(tmp_path) as account:
        yield account


@pytest.fixture
def reopen(account: GoogleAccount) -> Reopen:
    return account.open


@pytest.fixture
async def drive(account: GoogleAccount) -> Any:
    return await account.open()


class TestGoogleDrive(SharingContract, ExportContract, ShelvesContract, DriveContract):
    """The suite, with a grant of scope `drive.file`."""

    @pytest.fixture
    async def documents(self, account: GoogleAccount) -> Callable[[], Awaitable[dict[EntryId, dict[str, bytes]]]]:
        async def make() -> dict[EntryId, dict[str, bytes]]:
            made = {}
            for kind, office in (("document", "docx"), ("spreadsheet", "xlsx"), ("presentation", "pptx")):
                body = {"name": kind, "mime_type": f"application/vnd.google-apps.{kind}", "text": "a,b\nc,d"}
                answer = await account.post("/sandbox/google/documents", body)
                made[EntryId(answer["id"])] = {"pdf": b"%PDF-", office: b"PK"}
            return made

        return make


class TestGoogleDriveWhole(DriveContract, ShelvesContract):
    """The suite, with a grant for the whole drive."""

    @pytest.fixture
    async def account(self, tmp_path: Path) -> AsyncIterator[GoogleAccount]:
        async with google_account(tmp_path, scope="https://www.googleapis.com/auth/drive") as account:
            yield account


async def test_the_root_of_a_whole_drive_is_told(tmp_path: Path) -> None:
    async with google_account(tmp_path, scope="https://www.googleapis.com/auth/drive") as account:
        drive: GoogleDrive = await account.open()
        root = await drive.root()
        assert root.name == "My Drive"
        assert (await drive.home()).parent_id == root.id
        assert await drive.owner() == "anna@example.com"


async def _put(drive: GoogleDrive) -> EntryId:
    home = await drive.home()
    spec = UploadSpec(id=await drive.new_id(), parent_id=home.id, name="a.txt", mime_type="text/plain", size_bytes=1)
    return (await drive.upload_small(spec, b"x")).id


async def test_a_grant_whose_answer_was_lost_tells_the_person_once(account: GoogleAccount, drive: GoogleDrive) -> None:
    entry_id = await _put(drive)
    await account.fault("POST .*/permissions", "drop_answer")
    granted = await drive.grant(entry_id, CLARA, GrantRole.EDIT)
    assert await drive.grants(entry_id) == (granted,)
    log = await account.get("/sandbox/log")
    requests = log["requests"] if isinstance(log, dict) else log
    assert sum(one["method"] == "POST" and one["path"].endswith("/permissions") for one in requests) == 1


async def test_the_owner_is_no_grantee(drive: GoogleDrive) -> None:
    entry_id = await _put(drive)
    with pytest.raises(GranteeInvalidError):
        await drive.grant(entry_id, "anna@example.com", GrantRole.VIEW)
    assert await drive.grants(entry_id) == ()


async def test_a_document_too_big_to_convert_says_so(account: GoogleAccount, drive: GoogleDrive) -> None:
    made = await account.post("/sandbox/google/documents", {"name": "long"})
    refusal = {"code": 403, "message": "too large", "errors": [{"reason": "exportSizeLimitExceeded"}]}
    await account.fault("GET .*/export", "status", status=403, body=json.dumps({"error": refusal}))
    document = await drive.stat(EntryId(made["id"]))
    with pytest.raises(ExportTooBigError):
        async with drive.export(document.id, drive.formats_of(document)[0]):
            raise AssertionError("nothing comes")
