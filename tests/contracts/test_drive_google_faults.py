"""The Google drive while its Google is in trouble: every fault has a fate, and no file is lost, doubled or sent twice over."""

from __future__ import annotations

import json
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.drive_contract import content_of, names_in, pieces, read_all
from tests.contracts.google_account import GoogleAccount, google_account

from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_oauth import AuthorizedUser
from telpher.drives.google import GoogleDrive, open_google_drive
from telpher.drives.port import Entry, EntryId, UploadSession, UploadSpec
from telpher.errors import (
    DriveBusyError,
    DriveForbiddenError,
    DriveFullError,
    DriveUnreachableError,
    EntryExistsError,
    EntryNotFoundError,
    LoginRequiredError,
    SessionGoneError,
)

CONTENT = content_of(3_000_000)
PUT = "PUT /upload/drive/v3/files"


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[GoogleAccount]:
    async with google_account(tmp_path) as account:
        yield account


@pytest.fixture
async def drive(account: GoogleAccount) -> GoogleDrive:
    return await account.open()


async def spec_of(drive: GoogleDrive, content: bytes = CONTENT, name: str = "file.bin") -> UploadSpec:
    return UploadSpec(
        id=await drive.new_id(),
        parent_id=(await drive.home()).id,
        name=name,
        mime_type="application/x-test",
        size_bytes=len(content),
    )


async def finish(account: GoogleAccount, session: UploadSession) -> Entry:
    """Go on as the engine does; afterwards there is this one file, whole."""
    outcome = await session.received()
    if not isinstance(outcome, Entry):
        outcome = await session.send(pieces(CONTENT, outcome), outcome)
    assert isinstance(outcome, Entry)
    assert [item["size_bytes"] for item in await account.files()] == [len(CONTENT)]
    assert await read_all(await account.open(), outcome.id) == CONTENT
    return outcome


async def test_a_cut_upload_goes_on_where_google_lost_it(account: GoogleAccount, drive: GoogleDrive) -> None:
    session = await drive.begin_upload(await spec_of(drive))
    await account.fault(PUT, "cut_request", after_bytes=1_500_000)
    with pytest.raises(DriveUnreachableError):
        await session.send(pieces(CONTENT), 0)
    held = await session.received()
    assert isinstance(held, int)
    assert held > 1_000_000
    await finish(account, session)
    sent = [item["bytes_in"] for item in await account.get("/sandbox/log") if item["method"] == "PUT"]
    assert sent[-1] == len(CONTENT) - held


async def test_an_upload_whose_answer_was_lost_has_landed(account: GoogleAccount, drive: GoogleDrive) -> None:
    spec = await spec_of(drive)
    session = await drive.begin_upload(spec)
    await account.fault(PUT, "drop_answer")
    with pytest.raises(DriveUnreachableError):
        await session.send(pieces(CONTENT), 0)
    entry = await finish(account, session)
    assert entry.id == spec.id
    with pytest.raises(EntryExistsError):
        await drive.begin_upload(spec)


async def test_a_small_upload_whose_answer_was_lost_has_landed(account: GoogleAccount, drive: GoogleDrive) -> None:
    spec = await spec_of(drive, b"small")
    await account.fault("POST /upload", "drop_answer")
    with pytest.raises(DriveUnreachableError):
        await drive.upload_small(spec, b"small")
    with pytest.raises(EntryExistsError):
        await drive.upload_small(spec, b"small")
    assert spec.id is not None
    assert (await drive.stat(spec.id)).size_bytes == 5


async def test_google_may_keep_a_part_only(account: GoogleAccount, drive: GoogleDrive) -> None:
    session = await drive.begin_upload(await spec_of(drive))
    await account.fault(PUT, "partial", after_bytes=1 << 20)
    assert await session.send(pieces(CONTENT), 0) == 1 << 20
    await finish(account, session)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_session_that_is_gone_begins_anew_with_the_same_id(
    account: GoogleAccount, drive: GoogleDrive, status: int
) -> None:
    spec = await spec_of(drive)
    session = await drive.begin_upload(spec)
    await account.fault(PUT, "status", status=status)
    with pytest.raises(SessionGoneError):
        await session.send(pieces(CONTENT), 0)
    again = await drive.begin_upload(spec)
    assert (await finish(account, again)).id == spec.id


async def test_a_session_that_expired_is_gone(account: GoogleAccount, drive: GoogleDrive) -> None:
    session = await drive.begin_upload(await spec_of(drive))
    await account.post("/sandbox/google/expire", {"what": "sessions"})
    with pytest.raises(SessionGoneError):
        await session.received()
    with pytest.raises(SessionGoneError):
        await session.send(pieces(CONTENT), 0)
    await session.cancel()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_trouble_at_google_breaks_off_and_goes_on(
    account: GoogleAccount, drive: GoogleDrive, status: int
) -> None:
    session = await drive.begin_upload(await spec_of(drive))
    await account.fault(PUT, "status", status=status, after_bytes=700_000)
    with pytest.raises(DriveUnreachableError):
        await session.send(pieces(CONTENT), 0)
    await finish(account, session)


async def test_an_expired_token_is_renewed_unseen(account: GoogleAccount, drive: GoogleDrive) -> None:
    home = await drive.home()
    await account.post("/sandbox/google/expire", {"what": "access_tokens"})
    assert await names_in(drive, home.id) == []
    await account.post("/sandbox/google/expire", {"what": "access_tokens"})
    spec = await spec_of(drive, b"small")
    await drive.upload_small(spec, b"small")


async def test_a_token_that_expires_during_an_upload(account: GoogleAccount, drive: GoogleDrive) -> None:
    session = await drive.begin_upload(await spec_of(drive))
    await account.post("/sandbox/google/expire", {"what": "access_tokens"})
    with pytest.raises(DriveUnreachableError):
        await session.send(pieces(CONTENT), 0)
    await finish(account, session)


async def test_a_revoked_grant_needs_the_person(account: GoogleAccount, drive: GoogleDrive) -> None:
    home = await drive.home()
    await account.post("/sandbox/google/revoke", {})
    with pytest.raises(LoginRequiredError):
        await drive.children(home.id)


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
async def test_a_rate_limit_holds_everybody_back_and_is_tried_again(
    account: GoogleAccount, drive: GoogleDrive, reason: str
) -> None:
    home = await drive.home()
    await account.fault("GET /drive/v3/files", "status", status=403, reason=reason)
    assert await names_in(drive, home.id) == []
    session = await drive.begin_upload(await spec_of(drive))
    await account.fault(PUT, "status", status=403, reason=reason)
    with pytest.raises(DriveBusyError):
        await session.send(pieces(CONTENT), 0)
    await finish(account, session)


async def test_a_long_retry_after_is_the_queues_affair(account: GoogleAccount, drive: GoogleDrive) -> None:
    home = await drive.home()
    await account.fault("GET /drive/v3/files", "status", status=429, retry_after=120)
    with pytest.raises(DriveBusyError) as caught:
        await drive.children(home.id)
    assert caught.value.retry_after_s is not None
    assert 120 <= caught.value.retry_after_s < 122


async def test_a_short_retry_after_is_waited_for(account: GoogleAccount, drive: GoogleDrive) -> None:
    home = await drive.home()
    await account.fault("GET /drive/v3/files", "status", status=429, retry_after=0)
    assert await names_in(drive, home.id) == []


async def test_a_full_drive_needs_the_person(account: GoogleAccount, drive: GoogleDrive) -> None:
    spec = await spec_of(drive)
    await account.post("/sandbox/google/quota", {"free_bytes": 1000})
    with pytest.raises(DriveFullError):
        await (await drive.begin_upload(spec)).send(pieces(CONTENT), 0)
    with pytest.raises(DriveFullError):
        await drive.upload_small(await spec_of(drive, CONTENT), CONTENT)
    quota = await drive.quota()
    assert quota.limit_bytes is not None
    assert quota.limit_bytes - quota.used_bytes == 1000


async def test_listing_goes_on_through_a_dropped_answer(account: GoogleAccount, drive: GoogleDrive) -> None:
    home = await drive.home()
    await account.fault("GET /drive/v3/files", "drop_answer")
    assert await names_in(drive, home.id) == []


async def test_a_folder_whose_answer_was_lost_is_made_once(account: GoogleAccount, drive: GoogleDrive) -> None:
    home = await drive.home()
    await account.fault("POST /drive/v3/files", "drop_answer")
    folder = await drive.make_folder(home.id, "once")
    assert [entry.id for entry in (await drive.children(home.id)).entries] == [folder.id]


async def test_a_download_that_breaks_is_told_and_resumed(account: GoogleAccount, drive: GoogleDrive) -> None:
    entry = await drive.upload_small(await spec_of(drive), CONTENT)
    await account.fault("alt=media", "cut_response", after_bytes=1_000_000)
    got = bytearray()

    async def read_on() -> None:
        async with drive.read(entry.id, len(got)) as chunks:
            async for chunk in chunks:
                got.extend(chunk)

    with pytest.raises(DriveUnreachableError):
        await read_on()
    assert 0 < len(got) < len(CONTENT)
    await read_on()
    assert got == CONTENT


async def test_the_home_folder_is_made_once(account: GoogleAccount, drive: GoogleDrive, tmp_path: Path) -> None:
    await account.fault("POST /drive/v3/files", "drop_answer")
    home = await drive.home()
    assert (await (await account.open()).home()).id == home.id
    (tmp_path / "google-home").unlink()
    assert (await (await account.open()).home()).id == home.id


async def test_a_home_folder_in_the_trash_is_made_anew(account: GoogleAccount, drive: GoogleDrive) -> None:
    home = await drive.home()
    await drive.delete(home.id)
    other = await (await account.open()).home()
    assert other.id != home.id
    assert not other.is_trashed


async def test_the_home_folder_of_another_account_is_not_ours(account: GoogleAccount, tmp_path: Path) -> None:
    for stale in ("never-generated-by-anybody", ""):
        (tmp_path / "google-home").write_text(stale + "\n")
        home = await (await account.open()).home()
        assert home.name == "Telpher"
        assert (tmp_path / "google-home").read_text().strip() == home.id


async def test_a_home_folder_whose_making_was_cut_short_is_made_with_its_id(
    account: GoogleAccount, drive: GoogleDrive, tmp_path: Path
) -> None:
    folder_id = await drive.new_id()
    (tmp_path / "google-home").write_text(folder_id)
    assert (await drive.home()).id == folder_id


async def test_a_home_folder_from_the_settings(account: GoogleAccount, drive: GoogleDrive) -> None:
    folder = await drive.make_folder((await drive.home()).id, "mine")
    assert (await (await account.open(folder_id=folder.id)).home()).name == "mine"
    with pytest.raises(EntryNotFoundError):
        await (await account.open(folder_id="no-such-folder")).home()


async def test_a_google_document_has_no_bytes(account: GoogleAccount) -> None:
    made = await account.post("/sandbox/google/documents", {"name": "A document"})
    await account.post("/sandbox/google/pick", {"file_id": made["id"]})
    drive = await account.open()
    entry = await drive.stat(EntryId(made["id"]))
    assert (entry.size_bytes, entry.checksum) == (None, None)
    with pytest.raises(DriveForbiddenError):
        await read_all(drive, entry.id)


async def test_a_google_that_is_not_there(tmp_path: Path) -> None:
    facts = {"client_id": "x", "client_secret": "y", "refresh_token": "z"}
    authorizer = GoogleAuthorizer(AuthorizedUser.from_json(json.dumps(facts)), oauth_url="http://127.0.0.1:9")
    drive = await open_google_drive(api_url="http://127.0.0.1:9", authorizer=authorizer, home_file=tmp_path / "home")
    try:
        with pytest.raises(DriveUnreachableError):
            await drive.quota()
    finally:
        await drive.close()


async def test_the_token_goes_nowhere_but_to_google(account: GoogleAccount, drive: GoogleDrive) -> None:
    spec = await spec_of(drive)
    foreign = account.url.replace("127.0.0.1", "localhost") + "/upload/drive/v3/files?upload_id=x"
    session = await drive.resume_upload(foreign, spec)
    with pytest.raises((LoginRequiredError, SessionGoneError, DriveUnreachableError)):
        await session.received()


async def test_memory_does_not_grow_with_the_file(account: GoogleAccount, drive: GoogleDrive) -> None:
    size_bytes = 200 << 20
    chunk = bytes(1 << 20)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size_bytes // len(chunk)):
            yield chunk

    home: Any = await drive.home()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spec = UploadSpec(id=await drive.new_id(), parent_id=home.id, name="big", mime_type="x/y", size_bytes=size_bytes)
    entry = await (await drive.begin_upload(spec)).send(chunks(), 0)
    assert isinstance(entry, Entry)
    read_bytes = 0
    async with drive.read(entry.id) as got:
        async for piece in got:
            read_bytes += len(piece)
    assert read_bytes == size_bytes
    # Both sides run in this process.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 64 << 10
