"""The offline Google satisfies Google's own Python client, every answer held to the discovery document's schemas."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload
from tests.contracts.google_rig import ANNA, BORIS, FILE, GRANULE, Google, running_google

FOLDER = "application/vnd.google-apps.folder"
DATA = bytes(range(256)) * 4096


@pytest.fixture
async def google(tmp_path: Path) -> AsyncIterator[Google]:
    async with running_google(tmp_path) as google:
        yield google


async def _run(request: Any) -> Any:
    return await asyncio.to_thread(request.execute)


def _media(data: bytes, *, is_resumable: bool, chunk: int = GRANULE) -> MediaIoBaseUpload:
    return MediaIoBaseUpload(io.BytesIO(data), "application/x-test", chunksize=chunk, resumable=is_resumable)


def _download(request: Any, chunk: int) -> bytes:
    into = io.BytesIO()
    downloader = MediaIoBaseDownload(into, request, chunksize=chunk)
    is_done = False
    while not is_done:
        _, is_done = downloader.next_chunk()
    return into.getvalue()


@pytest.mark.parametrize("size", [0, 1, GRANULE, GRANULE * 3 + 17])
@pytest.mark.parametrize("is_resumable", [False, True])
async def test_an_upload_comes_back_as_it_was(google: Google, size: int, is_resumable: bool) -> None:
    data = DATA[:size]
    async with google.service() as drive:
        body = {
            "name": "Ärger.bin",
            "parents": ["root"],
            "description": "told",
            "modifiedTime": "2020-01-02T03:04:05.678Z",
        }
        made = await _run(
            drive.files().create(body=body, media_body=_media(data, is_resumable=is_resumable), fields="*")
        )
        assert made["md5Checksum"] == hashlib.md5(data).hexdigest()
        assert made["sha256Checksum"] == hashlib.sha256(data).hexdigest()
        assert made["sha1Checksum"] == hashlib.sha1(data).hexdigest()
        assert (made["size"], made["mimeType"]) == (str(size), "application/x-test")
        assert made["modifiedTime"] == "2020-01-02T03:04:05.678Z"
        assert made["name"] == "Ärger.bin"
        if data:
            got = await asyncio.to_thread(_download, drive.files().get_media(fileId=made["id"]), 100_000)
            assert got == data
        assert await _run(drive.files().get_media(fileId=made["id"])) == data


async def test_chunks_report_their_progress(google: Google) -> None:
    async with google.service() as drive:
        request = drive.files().create(
            body={"name": "big"}, media_body=_media(DATA, is_resumable=True), fields="id,size"
        )
        seen, response = [], None
        while response is None:
            status, response = await asyncio.to_thread(request.next_chunk)
            if status is not None:
                seen.append(status.resumable_progress)
        assert seen == [GRANULE, 2 * GRANULE, 3 * GRANULE]
        assert response["size"] == str(len(DATA))


async def test_new_content_for_a_file(google: Google) -> None:
    async with google.service() as drive:
        made = await _run(drive.files().create(body={"name": "a"}, media_body=_media(b"one", is_resumable=False)))
        for is_resumable in (False, True):
            media = _media(b"two" * 7, is_resumable=is_resumable)
            fresh = await _run(
                drive.files().update(fileId=made["id"], media_body=media, fields="md5Checksum,name,version")
            )
            assert fresh["md5Checksum"] == hashlib.md5(b"two" * 7).hexdigest()
            assert fresh["name"] == "a"


async def test_ids_before_creation(google: Google) -> None:
    async with google.service() as drive:
        ids = (await _run(drive.files().generateIds(count=3)))["ids"]
        assert len(set(ids)) == 3
        media = _media(b"once", is_resumable=True)
        made = await _run(drive.files().create(body={"id": ids[0], "name": "a"}, media_body=media))
        assert made["id"] == ids[0]
        for is_resumable in (False, True):
            media = _media(b"twice", is_resumable=is_resumable)
            with pytest.raises(HttpError) as caught:
                await _run(drive.files().create(body={"id": ids[0], "name": "a"}, media_body=media))
            assert (caught.value.status_code, caught.value.error_details[0]["reason"]) == (409, "fileIdInUse")
        with pytest.raises(HttpError) as caught:
            await _run(drive.files().create(body={"id": "1madeup", "name": "a"}))
        assert caught.value.status_code == 400


async def test_listing_with_pages_order_and_fields(google: Google) -> None:
    await google.control("seed", count=250, name="file {n}", folder_every=10)
    async with google.service() as drive:
        names: list[str] = []
        request = drive.files().list(
            q="'root' in parents and trashed = false",
            orderBy="folder,name_natural",
            pageSize=60,
            fields="nextPageToken,files(id,name,mimeType,owners/emailAddress)",
        )
        pages = 0
        while request is not None:
            answer = await _run(request)
            pages += 1
            assert set(answer) <= {"nextPageToken", "files"}
            assert all(set(file) == {"id", "name", "mimeType", "owners"} for file in answer["files"])
            assert answer["files"][0]["owners"] == [{"emailAddress": ANNA}]
            names += [file["name"] for file in answer["files"]]
            request = drive.files().list_next(request, answer)
        assert pages == 5
        assert names[:26] == [*(f"Folder {n}" for n in range(10, 251, 10)), "file 1"]
        assert names[25:] == [f"file {n}" for n in range(1, 251) if n % 10]
        long_query = " or ".join(f"name = 'file {n}'" for n in range(1, 200))
        found = await _run(drive.files().list(q=long_query, pageSize=1000))
        assert len(found["files"]) == 180, "a query too long for GET comes as POST with an override"


async def test_names_with_quotes_and_backslashes(google: Google) -> None:
    async with google.service() as drive:
        name = "It's \\ a \"test\" 'x'"
        await _run(drive.files().create(body={"name": name}))
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        found = await _run(drive.files().list(q=f"name = '{quoted}'"))
        assert [file["name"] for file in found["files"]] == [name]


async def test_trash_covers_what_is_inside(google: Google) -> None:
    async with google.service() as drive:
        folder = await _run(drive.files().create(body={"name": "box", "mimeType": FOLDER}))
        inner = await _run(drive.files().create(body={"name": "in", "parents": [folder["id"]]}))
        await _run(drive.files().update(fileId=folder["id"], body={"trashed": True}))
        state = await _run(drive.files().get(fileId=inner["id"], fields="trashed,explicitlyTrashed"))
        assert state == {"trashed": True, "explicitlyTrashed": False}
        assert (await _run(drive.files().list(q="trashed = false")))["files"] == []
        await _run(drive.files().update(fileId=folder["id"], body={"trashed": False}))
        assert (await _run(drive.files().get(fileId=inner["id"], fields="trashed"))) == {"trashed": False}
        await _run(drive.files().update(fileId=inner["id"], body={"trashed": True}))
        await _run(drive.files().emptyTrash())
        with pytest.raises(HttpError) as caught:
            await _run(drive.files().get(fileId=inner["id"]))
        assert caught.value.error_details[0]["reason"] == "notFound"
        await _run(drive.files().delete(fileId=folder["id"]))


async def test_permissions(google: Google) -> None:
    boris = await google.sign_in(BORIS)
    made = await google.put("shared.txt", b"for you")
    async with google.service() as drive, boris.service() as other:
        with pytest.raises(HttpError):
            await _run(other.files().get(fileId=made["id"]))
        body = {"type": "user", "role": "reader", "emailAddress": BORIS}
        granted = await _run(drive.permissions().create(fileId=made["id"], body=body, fields="*"))
        seen = await _run(other.files().get(fileId=made["id"], fields="ownedByMe,sharedWithMeTime,capabilities,owners"))
        assert (seen["ownedByMe"], seen["capabilities"]["canEdit"]) == (False, False)
        assert [file["id"] for file in (await _run(other.files().list(q="sharedWithMe = true")))["files"]] == [
            made["id"]
        ]
        with pytest.raises(HttpError) as caught:
            await _run(other.files().update(fileId=made["id"], body={"name": "mine"}))
        assert caught.value.error_details[0]["reason"] == "insufficientFilePermissions"
        body = {"role": "writer", "expirationTime": "2026-12-01T00:00:00Z"}
        if granted["id"]:
            await _run(
                drive.permissions().update(fileId=made["id"], permissionId=granted["id"], body={"role": body["role"]})
            )
        await _run(other.files().update(fileId=made["id"], body={"name": "ours"}))
        link = await _run(
            drive.permissions().create(fileId=made["id"], body={"type": "anyone", "role": "reader"}, fields="*")
        )
        assert link["id"] == "anyoneWithLink"
        everyone = (await _run(drive.permissions().list(fileId=made["id"], fields="*")))["permissions"]
        assert [one["role"] for one in everyone] == ["owner", "writer", "reader"]
        for one in everyone[1:]:
            await _run(drive.permissions().delete(fileId=made["id"], permissionId=one["id"]))
        with pytest.raises(HttpError):
            await _run(other.files().get(fileId=made["id"]))


async def test_changes_tell_what_happened_since(google: Google) -> None:
    async with google.service() as drive:
        before = await _run(drive.files().create(body={"name": "before"}))
        token = (await _run(drive.changes().getStartPageToken()))["startPageToken"]
        assert (await _run(drive.changes().list(pageToken=token)))["changes"] == []
        made = await _run(drive.files().create(body={"name": "new"}))
        await _run(drive.files().update(fileId=made["id"], body={"name": "newer"}))
        await _run(drive.files().delete(fileId=before["id"]))
        answer = await _run(drive.changes().list(pageToken=token, fields="*"))
        told = {
            change["fileId"]: (change["removed"], change.get("file", {}).get("name")) for change in answer["changes"]
        }
        assert told == {made["id"]: (False, "newer"), before["id"]: (True, None)}
        again = await _run(drive.changes().list(pageToken=answer["newStartPageToken"]))
        assert again["changes"] == []
        first = await _run(drive.changes().list(pageToken=token, pageSize=1))
        second = await _run(drive.changes().list(pageToken=first["nextPageToken"], pageSize=1))
        assert len(first["changes"]) == len(second["changes"]) == 1


async def test_about_copy_export_and_shared_drives(google: Google) -> None:
    document = await google.control("documents", name="Notes", text="Grüße (und mehr)\nzweite Zeile")
    team = await google.control("drives", name="Team", members={ANNA: "organizer"})
    made = await google.put("a.txt", b"hello")
    async with google.service() as drive:
        about = await _run(drive.about().get(fields="*"))
        assert (about["user"]["emailAddress"], about["storageQuota"]["usage"]) == (ANNA, "5")
        with pytest.raises(HttpError) as caught:
            await _run(drive.about().get())
        assert caught.value.error_details[0]["reason"] == "required"
        twin = await _run(drive.files().copy(fileId=made["id"], body={"name": "b.txt"}, fields="*"))
        await _run(drive.files().delete(fileId=made["id"]))
        assert await _run(drive.files().get_media(fileId=twin["id"])) == b"hello"
        pdf = await _run(drive.files().export(fileId=document["id"], mimeType="application/pdf"))
        assert pdf.startswith(b"%PDF-")
        text = await _run(drive.files().export(fileId=document["id"], mimeType="text/plain"))
        assert text.decode("utf-8-sig").splitlines()[0] == "Grüße (und mehr)"
        with pytest.raises(HttpError) as caught:
            await _run(drive.files().get_media(fileId=document["id"]))
        assert caught.value.error_details[0]["reason"] == "fileNotDownloadable"
        drives = await _run(drive.drives().list(q="name contains 'tea'"))
        assert [one["name"] for one in drives["drives"]] == ["Team"]
        with pytest.raises(HttpError):
            await _run(drive.files().create(body={"name": "x", "parents": [team["id"]]}))
        inside = await _run(
            drive.files().create(body={"name": "x", "parents": [team["id"]]}, supportsAllDrives=True, fields="*")
        )
        assert (inside["driveId"], "owners" in inside) == (team["id"], False)
        with pytest.raises(HttpError):
            await _run(drive.files().get(fileId=inside["id"]))
        found = await _run(
            drive.files().list(
                corpora="drive", driveId=team["id"], includeItemsFromAllDrives=True, supportsAllDrives=True
            )
        )
        assert [one["id"] for one in found["files"]] == [inside["id"]]


async def test_google_auth_refreshes_and_hears_of_a_revoked_grant(google: Google) -> None:
    only_own = await google.sign_in(scope=FILE)
    credentials = only_own.credentials()
    async with only_own.service(credentials) as drive:
        await google.control("expire", what="access_tokens")
        old = credentials.token
        assert (await _run(drive.files().list()))["files"] == []
        assert credentials.token != old, "a 401 made it refresh"
        await google.control("revoke", account=ANNA)
        with pytest.raises(RefreshError) as caught:
            await _run(drive.files().list())
        assert caught.value.args[1]["error"] == "invalid_grant"
