"""Files at the offline Google: listing, searching, moving, sharing, downloading, as plain HTTP."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.google_rig import ANNA, BORIS, FILE, Google, check_schema, running_google

FOLDER = "application/vnd.google-apps.folder"
FILES = "/drive/v3/files"


@pytest.fixture
async def google(tmp_path: Path) -> AsyncIterator[Google]:
    async with running_google(tmp_path) as google:
        yield google


@pytest.fixture
async def shelf(google: Google) -> Google:
    """A drive with some of everything."""
    box = await google.folder("Box")
    await google.put("Photo 2.jpg", b"jpeg", modifiedTime="2021-01-01T00:00:00Z", starred=True)
    await google.put("photo 10.jpg", b"jpegjpeg", modifiedTime="2022-01-01T00:00:00Z", parents=[box["id"]])
    await google.put("HelloWorld.txt", b"The quick brown Fox_jumps", description="told twice")
    await google.put("It's.txt", b"", properties={"colour": "red"}, appProperties={"telpher": "1"})
    return google


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("name = 'photo 2.JPG'", ["Photo 2.jpg"]),
        ("name contains 'hello'", ["HelloWorld.txt"]),
        ("name contains 'World'", []),
        ("name contains 'jp ph'", ["Photo 2.jpg", "photo 10.jpg"]),
        ("name contains '\"photo 10\"'", ["photo 10.jpg"]),
        ("name = 'It\\'s.txt'", ["It's.txt"]),
        ("fullText contains 'fox'", ["HelloWorld.txt"]),
        ("fullText contains 'twice brown'", ["HelloWorld.txt"]),
        ("fullText contains 'qui'", []),
        ("fullText contains '\"quick brown fox\"'", ["HelloWorld.txt"]),
        ("mimeType = 'image/jpeg'", ["Photo 2.jpg", "photo 10.jpg"]),
        ("mimeType contains 'text/'", ["HelloWorld.txt", "It's.txt"]),
        (f"mimeType != '{FOLDER}' and not mimeType contains 'image'", ["HelloWorld.txt", "It's.txt"]),
        ("modifiedTime < '2021-06-01T00:00:00'", ["Photo 2.jpg"]),
        ("modifiedTime >= '2022-01-01T02:00:00+02:00' and modifiedTime < '2023-01-01'", ["photo 10.jpg"]),
        ("starred = true", ["Photo 2.jpg"]),
        ("starred != true and name contains 'photo'", ["photo 10.jpg"]),
        ("sharedWithMe = true", []),
        ("'me' in owners and name contains 'box'", ["Box"]),
        (f"'{BORIS}' in owners", []),
        (f"'{ANNA}' in writers and starred=true", ["Photo 2.jpg"]),
        ("properties has { key='colour' and value='red' }", ["It's.txt"]),
        ("appProperties has { key='telpher' and value='1' }", ["It's.txt"]),
        ("appProperties has { key='telpher' and value='2' }", []),
        ("'root' in parents and (name contains 'photo' or name contains 'box')", ["Box", "Photo 2.jpg"]),
        ("visibility = 'limited' and starred = true", ["Photo 2.jpg"]),
    ],
)
async def test_what_is_found(shelf: Google, q: str, expected: list[str]) -> None:
    order = {} if "fullText" in q else {"orderBy": "folder,name_natural"}
    assert sorted(await shelf.names(q, **order)) == sorted(expected)


@pytest.mark.parametrize(
    "q", ["name like 'a'", "name = 'a", "modifiedTime > 'soon'", "hidden = true", "'x' in parents and"]
)
async def test_what_cannot_be_asked(google: Google, q: str) -> None:
    error = await google.refused("GET", FILES, 400, "invalid", params={"q": q})
    assert (error["message"], error["errors"][0]["location"]) == ("Invalid Value", "q")


async def test_other_parameters_are_checked(google: Google) -> None:
    for name, value in (
        ("orderBy", "colour"),
        ("orderBy", "name up"),
        ("pageToken", "x"),
        ("corpora", "all"),
        ("spaces", "x"),
    ):
        await google.refused("GET", FILES, 400, "invalid", params={name: value})
    await google.refused("GET", FILES, 400, "invalidParameter", params={"pageSize": "0"})
    await google.refused("GET", FILES, 400, "invalidParameter", params={"pageSize": "1001"})
    await google.refused("GET", FILES, 400, "invalidParameter", params={"fields": "files(nothing)"})
    await google.refused("GET", FILES, 403, "forbidden", params={"q": "fullText contains 'a'", "orderBy": "name"})
    await google.refused("GET", FILES, 404, "notFound", params={"q": "'nowhere' in parents"})
    await google.refused("GET", "/drive/v3/nothing/here", 404, "notFound")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name", ["Box", "HelloWorld.txt", "It's.txt", "photo 10.jpg", "Photo 2.jpg"]),
        ("name_natural", ["Box", "HelloWorld.txt", "It's.txt", "Photo 2.jpg", "photo 10.jpg"]),
        ("folder desc,name desc", ["Photo 2.jpg", "photo 10.jpg", "It's.txt", "HelloWorld.txt", "Box"]),
        ("modifiedTime", ["Photo 2.jpg", "photo 10.jpg", "Box", "HelloWorld.txt", "It's.txt"]),
        ("folder,quotaBytesUsed desc,name", ["Box", "HelloWorld.txt", "photo 10.jpg", "Photo 2.jpg", "It's.txt"]),
        ("starred desc,createdTime desc", ["Photo 2.jpg", "It's.txt", "HelloWorld.txt", "photo 10.jpg", "Box"]),
    ],
)
async def test_orders_and_pages_agree(shelf: Google, order: str, expected: list[str]) -> None:
    assert await shelf.names(orderBy=order) == expected
    paged: list[str] = []
    params = {"orderBy": order, "pageSize": "2"}
    while True:
        _, page = await shelf.request("GET", FILES, params=params, schema="FileList")
        paged += [file["name"] for file in page["files"]]
        if "nextPageToken" not in page:
            break
        params["pageToken"] = page["nextPageToken"]
    assert paged == expected
    await shelf.refused("GET", FILES, 400, "invalid", params={**params, "orderBy": "createdTime"})


async def test_answers_hold_only_what_was_asked(shelf: Google) -> None:
    _, body = await shelf.request("GET", FILES, schema="FileList")
    assert set(body) == {"kind", "incompleteSearch", "files"}
    assert set(body["files"][0]) == {"kind", "id", "name", "mimeType"}
    _, body = await shelf.request("GET", FILES, params={"fields": "files(owners(me),capabilities/canEdit)"})
    assert body["files"][0] == {"owners": [{"me": True}], "capabilities": {"canEdit": True}}
    _, whole = await shelf.request("GET", FILES, params={"fields": "*"}, schema="FileList")
    assert len(whole["files"][0]) > 25


async def test_ranges(google: Google) -> None:
    data = bytes(range(256)) * 40
    made = await google.put("r", data)
    path, media = f"{FILES}/{made['id']}", {"alt": "media", "acknowledgeAbuse": "true"}
    answer, body = await google.request("GET", path, params=media, headers={"Range": "bytes=100-199"}, expect=206)
    assert (body, answer.headers["Content-Range"]) == (data[100:200], f"bytes 100-199/{len(data)}")
    _, body = await google.request("GET", path, params=media, headers={"Range": "bytes=10000-"}, expect=206)
    assert body == data[10_000:]
    _, body = await google.request("GET", path, params=media, headers={"Range": "bytes=-5"}, expect=206)
    assert body == data[-5:]
    answer, _ = await google.request("GET", path, params=media, headers={"Range": f"bytes={len(data)}-"}, expect=416)
    assert answer.headers["Content-Range"] == f"bytes */{len(data)}"
    empty = await google.create("e")
    _, body = await google.request("GET", f"{FILES}/{empty['id']}", params=media)
    assert body == b""


async def test_moving(google: Google) -> None:
    one, two = await google.folder("one"), await google.folder("two")
    inner = await google.folder("inner", parents=[one["id"]])
    path = f"{FILES}/{inner['id']}"
    await google.refused("PATCH", path, 403, "cannotAddParent", params={"addParents": two["id"]})
    await google.refused("PATCH", path, 403, "fieldNotWritable", json={"parents": [two["id"]]})
    await google.refused("PATCH", path, 404, "notFound", params={"addParents": "nowhere", "removeParents": one["id"]})
    params = {"addParents": two["id"], "removeParents": one["id"], "fields": "parents"}
    _, moved = await google.request("PATCH", path, params=params)
    assert moved == {"parents": [two["id"]]}
    params = {"addParents": inner["id"], "removeParents": two["parents"][0]}
    await google.refused("PATCH", f"{FILES}/{two['id']}", 403, "cyclicMembershipsNotAllowed", params=params)
    leaf = await google.put("leaf", b"x")
    params = {"addParents": leaf["id"], "removeParents": two["id"]}
    await google.refused("PATCH", path, 403, "parentNotAFolder", params=params)
    await google.request("PATCH", f"{FILES}/{two['id']}", json={"trashed": True})
    params = {"addParents": one["id"], "removeParents": two["id"], "fields": "trashed"}
    _, moved = await google.request("PATCH", path, params=params)
    assert moved == {"trashed": False}, "what leaves a trashed folder is not in the trash any more"


async def test_editing_and_marks(google: Google) -> None:
    made = await google.put("a", b"x", properties={"keep": "1", "drop": "2"})
    path = f"{FILES}/{made['id']}"
    body: dict[str, Any] = {
        "name": "b.txt",
        "starred": True,
        "description": "new",
        "properties": {"drop": None, "add": "3"},
        "viewedByMeTime": "2024-05-06T07:08:09.123Z",
        "modifiedTime": "2023-01-01T00:00:00.001Z",
    }
    _, file = await google.request("PATCH", path, params={"fields": "*"}, json=body, schema="File")
    assert {name: file[name] for name in body} == {**body, "properties": {"keep": "1", "add": "3"}}
    assert int(file["version"]) > int(made["version"])
    assert file["fileExtension"] == "txt"
    await google.refused("PATCH", path, 400, "parseError", data=b"{")
    await google.refused("PATCH", path, 400, "invalid", json={"name": 3})
    await google.refused("PATCH", path, 400, "invalid", json={"modifiedTime": "yesterday"})
    answer, overridden = await google.request(
        "POST", path, headers={"X-HTTP-Method-Override": "PATCH"}, json={"name": "c"}
    )
    assert (answer.status, overridden["name"]) == (200, "c")


async def test_what_was_deleted_keeps_its_id(google: Google) -> None:
    _, ids = await google.request("GET", f"{FILES}/generateIds", params={"count": "2"}, schema="GeneratedIds")
    folder = await google.folder("f", id=ids["ids"][0])
    inner = await google.put("i", b"12345", parents=[folder["id"]])
    await google.request("DELETE", f"{FILES}/{folder['id']}", expect=204)
    await google.refused("GET", f"{FILES}/{inner['id']}", 404, "notFound")
    await google.refused("POST", FILES, 409, "fileIdInUse", json={"id": ids["ids"][0]})
    document = {"id": ids["ids"][1], "mimeType": "application/vnd.google-apps.document"}
    await google.refused("POST", FILES, 400, "generatedIdNotSupported", json=document)
    _, about = await google.request("GET", "/drive/v3/about", params={"fields": "storageQuota/usage"})
    assert about == {"storageQuota": {"usage": "0"}}


async def test_sharing_is_inherited_and_ends(google: Google) -> None:
    boris = await google.sign_in(BORIS)
    folder = await google.folder("team")
    inner = await google.put("plan.txt", b"secret", parents=[folder["id"]])
    other = await google.put("private.txt", b"secret")
    permissions = f"{FILES}/{folder['id']}/permissions"
    for body, status, reason in (
        ({"type": "user", "role": "reader"}, 400, "invalidSharingRequest"),
        ({"type": "anyone", "role": "king"}, 400, "invalid"),
        ({"type": "anyone", "role": "reader", "expirationTime": "2999-01-01T00:00:00Z"}, 403, "cannotSetExpiration"),
        (
            {"type": "user", "role": "reader", "emailAddress": BORIS, "expirationTime": "2001-01-01T00:00:00Z"},
            400,
            "invalid",
        ),
    ):
        await google.refused("POST", permissions, status, reason, json=body)
    grant = {"type": "user", "role": "writer", "emailAddress": BORIS}
    _, made = await google.request("POST", permissions, json=grant, params={"fields": "*"}, schema="Permission")
    assert sorted(await boris.names()) == ["plan.txt", "team"]
    assert await boris.names("sharedWithMe = true") == ["team"]
    _, data = await boris.request("GET", f"{FILES}/{inner['id']}", params={"alt": "media"})
    assert data == b"secret"
    await boris.refused("GET", f"{FILES}/{other['id']}", 404, "notFound")
    await boris.refused("DELETE", f"{FILES}/{inner['id']}", 403, "insufficientFilePermissions")
    await boris.refused("PATCH", f"{FILES}/{inner['id']}", 403, "insufficientFilePermissions", json={"trashed": True})
    await boris.request("PATCH", f"{FILES}/{inner['id']}", json={"name": "plans.txt"})
    added = await boris.put("mine.txt", b"b", parents=[folder["id"]])
    assert added["owners"][0]["emailAddress"] in (ANNA, BORIS)
    await google.request("DELETE", f"{permissions}/{made['id']}", expect=204)
    await boris.refused("GET", f"{FILES}/{inner['id']}", 404, "notFound")
    await google.refused("DELETE", f"{permissions}/{made['id']}", 404, "notFound")


async def test_links_open_only_for_those_who_may(google: Google) -> None:
    made = await google.put("öffentlich.txt", b"hello")
    for name in ("webViewLink", "webContentLink"):
        assert made[name].startswith(google.url)
        async with google.session.get(made[name]) as answer:
            assert answer.status == 403
    async with google.session.get(made["webContentLink"], params={"authuser": ANNA}) as answer:
        assert await answer.read() == b"hello"
    await google.request("POST", f"{FILES}/{made['id']}/permissions", json={"type": "anyone", "role": "reader"})
    async with google.session.get(made["webViewLink"]) as answer:
        assert "öffentlich.txt" in await answer.text()
    async with google.session.get(made["webContentLink"]) as answer:
        assert await answer.read() == b"hello"
    boris = await google.sign_in(BORIS)
    await boris.request("GET", f"{FILES}/{made['id']}")
    assert await boris.names() == [], "a link does not list"


async def test_exports_are_real_documents(google: Google) -> None:
    document = await google.control("documents", name="Doc", text="one\ntwo & <three>")
    path = f"{FILES}/{document['id']}/export"
    office = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    _, data = await google.request("GET", path, params={"mimeType": office})
    with zipfile.ZipFile(BytesIO(data)) as package:
        assert package.testzip() is None
        assert b"two &amp; &lt;three&gt;" in package.read("word/document.xml")
    _, page = await google.request("GET", path, params={"mimeType": "text/html"})
    assert b"<p>one</p>" in page
    await google.refused("GET", path, 400, "badRequest", params={"mimeType": "image/gif"})
    await google.refused("GET", path, 400, "required")
    plain = await google.put("a.txt", b"x")
    await google.refused(
        "GET", f"{FILES}/{plain['id']}/export", 403, "fileNotExportable", params={"mimeType": "text/html"}
    )
    sheet = await google.put("s.csv", b"a,b\n1,2\n", mimeType="application/vnd.google-apps.spreadsheet")
    assert "md5Checksum" not in sheet
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    _, data = await google.request("GET", f"{FILES}/{sheet['id']}/export", params={"mimeType": kind})
    with zipfile.ZipFile(BytesIO(data)) as package:
        assert b"<t>2</t>" in package.read("xl/worksheets/sheet1.xml")


async def test_shared_drives_need_their_flags(google: Google) -> None:
    team = await google.control("drives", name="Team", members={ANNA: "organizer", BORIS: "reader"})
    made = await google.put("t.txt", b"team", parents=[team["id"]])
    assert (made["driveId"], made["parents"], "owners" in made) == (team["id"], [team["id"]], False)
    boris = await google.sign_in(BORIS)
    everything = {"supportsAllDrives": "true", "includeItemsFromAllDrives": "true"}
    assert await boris.names() == []
    assert await boris.names(**everything) == ["t.txt"]
    assert await boris.names(**everything, corpora="allDrives") == ["t.txt"]
    assert await boris.names(**everything, corpora="drive", driveId=team["id"]) == ["t.txt"]
    assert await boris.names(f"'{team['id']}' in parents", **everything) == ["t.txt"]
    await boris.refused("GET", FILES, 400, "invalid", params={"includeItemsFromAllDrives": "true"})
    await boris.refused("GET", FILES, 400, "invalid", params={**everything, "corpora": "drive"})
    await boris.refused("GET", FILES, 404, "notFound", params={**everything, "corpora": "drive", "driveId": "x"})
    await boris.refused("GET", f"{FILES}/{made['id']}", 404, "notFound")
    params = {"supportsAllDrives": "true"}
    await boris.request("GET", f"{FILES}/{made['id']}", params=params, schema="File")
    await boris.refused(
        "PATCH", f"{FILES}/{made['id']}", 403, "insufficientFilePermissions", params=params, json={"name": "n"}
    )
    _, drive = await boris.request("GET", f"/drive/v3/drives/{team['id']}", schema="Drive")
    assert drive["name"] == "Team"
    _, about = await google.request("GET", "/drive/v3/about", params={"fields": "storageQuota/usage"})
    assert about["storageQuota"]["usage"] == "0", "a shared drive's files count for nobody"


async def test_rate_limits_look_as_google_words_them(google: Google) -> None:
    for status, reason in ((403, "userRateLimitExceeded"), (429, "rateLimitExceeded"), (500, "internalError")):
        await google.fault(match="GET /drive/v3/about", kind="status", status=status, times=1, retry_after=7)
        error = await google.refused("GET", "/drive/v3/about", status, reason)
        assert error["errors"][0]["domain"] == ("usageLimits" if status in (403, 429) else "global")


async def test_a_large_drive_lists_in_pages(google: Google) -> None:
    await google.control("seed", count=20_000, folder_every=100)
    own = await google.sign_in(scope=FILE)
    params = {"q": "'root' in parents and trashed = false", "orderBy": "folder,name_natural", "pageSize": "1000"}
    seen: list[str] = []
    while True:
        _, page = await own.request("GET", FILES, params=params)
        seen += [file["id"] for file in page["files"]]
        if "nextPageToken" not in page:
            break
        params["pageToken"] = page["nextPageToken"]
    assert len(seen) == len(set(seen)) == 20_000
    check_schema("FileList", page)


async def test_the_control_endpoints_tell_the_truth(google: Google) -> None:
    box = await google.folder("box")
    await google.put("in.bin", b"123", parents=[box["id"]])
    await google.begin({"name": "later"})
    async with google.session.get(f"{google.url}/sandbox/google/files", params={"account": ANNA}) as answer:
        told = {one["path"]: (one["size_bytes"], one["is_folder"], one["owner"]) for one in await answer.json()}
    assert told == {"/box": (None, True, ANNA), "/box/in.bin": (3, False, ANNA)}
    async with google.session.get(f"{google.url}/sandbox/google/sessions") as answer:
        [session] = await answer.json()
    assert (session["metadata"], session["held_bytes"], session["account"]) == ({"name": "later"}, 0, ANNA)
    async with google.session.post(f"{google.url}/sandbox/google/settings", json={"wrong": 1}) as answer:
        assert answer.status == 400
