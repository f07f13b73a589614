"""The corners of the resumable protocol, as a plain HTTP client meets them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contracts.google_rig import FILE, GRANULE, Google, check_schema, running_google

DATA = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
async def google(tmp_path: Path) -> AsyncIterator[Google]:
    async with running_google(tmp_path, scope=FILE) as google:
        yield google


async def _send(
    google: Google,
    session: str,
    first: int,
    last: int,
    total: int | str,
    *,
    method: str = "PUT",
    expect: int | None = 308,
) -> tuple[aiohttp.ClientResponse, Any]:
    headers = {"Content-Range": f"bytes {first}-{last}/{total}"}
    return await google.request(method, session, headers=headers, data=DATA[first : last + 1], expect=expect)


async def _pieces(data: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_chunk_by_chunk(google: Google, method: str) -> None:
    session = await google.begin({"name": "a"}, params={"fields": "id,size,md5Checksum"})
    assert await google.held(session) == 0
    answer, body = await _send(google, session, 0, GRANULE - 1, 3 * GRANULE, method=method)
    assert (answer.headers["Range"], body) == (f"bytes=0-{GRANULE - 1}", b"")
    assert await google.held(session, 3 * GRANULE) == GRANULE
    await _send(google, session, GRANULE, 2 * GRANULE - 1, 3 * GRANULE, method=method)
    _, file = await _send(google, session, 2 * GRANULE, 3 * GRANULE - 1, 3 * GRANULE, method=method, expect=200)
    assert file["md5Checksum"] == hashlib.md5(DATA[: 3 * GRANULE]).hexdigest()
    assert set(file) == {"id", "size", "md5Checksum"}
    assert await google.held(session) == file, "a finished session answers with its file"
    _, again = await google.request("PUT", session, data=b"whatever")
    assert again == file


async def test_unknown_total_until_the_last_chunk(google: Google) -> None:
    session = await google.begin({"name": "a"})
    await _send(google, session, 0, 2 * GRANULE - 1, "*")
    _, file = await _send(google, session, 2 * GRANULE, 2 * GRANULE + 9, 2 * GRANULE + 10, expect=200)
    other = await google.begin({"name": "b"})
    await _send(google, other, 0, GRANULE - 1, "*")
    named = await google.held(other, GRANULE)
    assert isinstance(named, dict), "asking with the total ends a file whose bytes are all there"
    assert {file["name"], named["name"]} == {"a", "b"}


async def test_one_request_without_a_range_and_one_without_a_length(google: Google) -> None:
    for body in (DATA, _pieces(DATA)):
        session = await google.begin({"name": "a"}, params={"fields": "md5Checksum"})
        _, file = await google.request("PUT", session, data=body)
        assert file == {"md5Checksum": hashlib.md5(DATA).hexdigest()}
    session = await google.begin({"name": "nothing"}, params={"fields": "size"})
    _, file = await google.request("PUT", session, data=b"")
    assert file == {"size": "0"}


async def test_chunks_that_do_not_fit(google: Google) -> None:
    session = await google.begin({"name": "a"})
    await google.refused("PUT", session, 400, "badRequest", headers={"Content-Range": "bytes 0-9/1000"}, data=b"x" * 10)
    await google.refused("PUT", session, 503, "backendError", headers={"Content-Range": "bytes 5-9/10"}, data=b"x" * 5)
    await google.refused("PUT", session, 400, "badRequest", headers={"Content-Range": "bytes 0-9/10"}, data=b"x" * 9)
    await google.refused("PUT", session, 400, "badRequest", headers={"Content-Range": "bytes 0-8/9"}, data=b"x" * 10)
    await google.refused("PUT", session, 400, "badRequest", headers={"Content-Range": "nonsense"}, data=b"x")
    assert await google.held(session) == 0


async def test_only_whole_granules_stay(google: Google) -> None:
    session = await google.begin({"name": "a"})
    answer, _ = await _send(google, session, 0, GRANULE + 99, len(DATA))
    assert answer.headers["Range"] == f"bytes=0-{GRANULE - 1}"
    _, file = await _send(google, session, GRANULE, len(DATA) - 1, len(DATA), expect=200)
    assert file["name"] == "a"


async def test_what_is_held_already_is_skipped(google: Google) -> None:
    session = await google.begin({"name": "a"}, params={"fields": "md5Checksum"})
    await _send(google, session, 0, 2 * GRANULE - 1, len(DATA))
    _, file = await _send(google, session, GRANULE, len(DATA) - 1, len(DATA), expect=200)
    assert file == {"md5Checksum": hashlib.md5(DATA).hexdigest()}


async def test_cut_in_the_middle_then_resumed(google: Google) -> None:
    session = await google.begin({"name": "a"}, params={"fields": "size,md5Checksum"})
    await google.fault(match="PUT /upload", kind="cut_request", after_bytes=700_000, times=1)
    with pytest.raises(aiohttp.ClientError):
        await google.request("PUT", session, data=_pieces(DATA), headers={"Content-Length": str(len(DATA))})
    held = await google.held(session, len(DATA))
    assert held == 700_000 // GRANULE * GRANULE
    _, file = await _send(google, session, held, len(DATA) - 1, len(DATA), expect=200)
    assert file == {"size": str(len(DATA)), "md5Checksum": hashlib.md5(DATA).hexdigest()}


async def test_a_dropped_answer_has_made_the_file(google: Google) -> None:
    _, ids = await google.request("GET", "/drive/v3/files/generateIds", params={"count": "1"}, schema="GeneratedIds")
    session = await google.begin({"name": "a", "id": ids["ids"][0]})
    await google.fault(match="PUT /upload", kind="drop_answer", times=2)  # aiohttp itself repeats a PUT once
    with pytest.raises(aiohttp.ClientError):
        await google.request("PUT", session, data=DATA)
    await google.session.delete(f"{google.url}/sandbox/faults")
    file = await google.held(session)
    assert isinstance(file, dict)
    assert file["id"] == ids["ids"][0]
    again = {"uploadType": "resumable"}
    await google.refused("POST", "/upload/drive/v3/files", 409, "fileIdInUse", params=again, json={"id": file["id"]})
    assert await google.names() == ["a"]


async def test_two_sessions_for_one_id_make_one_file(google: Google) -> None:
    _, ids = await google.request("GET", "/drive/v3/files/generateIds", params={"count": "1"})
    one, two = [await google.begin({"name": name, "id": ids["ids"][0]}) for name in "ab"]
    await google.request("PUT", one, data=b"one")
    await google.refused("PUT", two, 409, "fileIdInUse", data=b"two")
    assert await google.names() == ["a"]


async def test_taken_only_in_part(google: Google) -> None:
    session = await google.begin({"name": "a"}, params={"fields": "md5Checksum"})
    await google.fault(match="PUT /upload", kind="partial", after_bytes=2 * GRANULE, times=1)
    answer, _ = await google.request("PUT", session, data=DATA, expect=308)
    assert answer.headers["Range"] == f"bytes=0-{2 * GRANULE - 1}"
    _, file = await _send(google, session, 2 * GRANULE, len(DATA) - 1, len(DATA), expect=200)
    assert file == {"md5Checksum": hashlib.md5(DATA).hexdigest()}


async def test_an_error_in_the_middle_keeps_what_came_before(google: Google) -> None:
    session = await google.begin({"name": "a"})
    await google.fault(match="PUT /upload", kind="status", status=503, after_bytes=GRANULE, times=1)
    await google.refused(
        "PUT", session, 503, "backendError", data=_pieces(DATA), headers={"Content-Length": str(len(DATA))}
    )
    assert await google.held(session) == GRANULE


async def test_cancelled(google: Google) -> None:
    session = await google.begin({"name": "a"})
    await _send(google, session, 0, GRANULE - 1, len(DATA))
    answer, _ = await google.request("DELETE", session, expect=499)
    assert answer.status == 499
    await google.refused("PUT", session, 404, "notFound", headers={"Content-Range": "bytes */*"})
    assert await google.names() == []


async def test_expired(google: Google) -> None:
    session = await google.begin({"name": "a"})
    assert await google.control("expire", what="sessions") == {"expired": 1}
    await google.refused("PUT", session, 404, "notFound", data=DATA)
    await google.control("settings", session_lifetime_s=0)
    short = await google.begin({"name": "a"})
    await google.control("settings", session_lifetime_s=-1)
    await google.refused("PUT", short, 404, "notFound", data=DATA)
    await google.refused("PUT", short.replace("AHVrFx", "x"), 404, "notFound", data=DATA)


async def test_sessions_survive_a_restart(tmp_path: Path) -> None:
    async with running_google(tmp_path) as google:
        session = await google.begin({"name": "a"}, params={"fields": "md5Checksum"})
        await _send(google, session, 0, 3 * GRANULE - 1, len(DATA))
        user, path = google.user, session.removeprefix(google.url)
    async with running_google(tmp_path) as google:
        google.user = user
        assert await google.held(path) == 3 * GRANULE
        _, file = await _send(google, path, 3 * GRANULE, len(DATA) - 1, len(DATA), expect=200)
        assert file == {"md5Checksum": hashlib.md5(DATA).hexdigest()}


async def test_a_crash_between_two_writes_loses_only_the_tail(tmp_path: Path) -> None:
    async with running_google(tmp_path) as google:
        session = await google.begin({"name": "a"}, params={"fields": "md5Checksum"})
        await _send(google, session, 0, GRANULE - 1, len(DATA))
        path = session.removeprefix(google.url)
    [blob] = (tmp_path / "google" / "content").iterdir()
    with blob.open("ab") as file:
        file.write(b"half a block")
    async with running_google(tmp_path) as google:
        assert await google.held(path) == GRANULE
        _, made = await _send(google, path, GRANULE, len(DATA) - 1, len(DATA), expect=200)
        assert made == {"md5Checksum": hashlib.md5(DATA).hexdigest()}


async def test_the_newest_request_takes_a_session_over(google: Google) -> None:
    """A client that gave up on a stalled connection and asks again is answered at once."""
    session = await google.begin({"name": "a"}, params={"fields": "md5Checksum"})

    async def stalling() -> AsyncIterator[bytes]:
        yield DATA[: 2 * GRANULE]
        held = await google.held(session)
        seen.append(held)
        yield DATA[2 * GRANULE :]

    seen: list[Any] = []
    with pytest.raises(aiohttp.ClientError):
        await google.request("PUT", session, data=stalling(), headers={"Content-Length": str(len(DATA))})
    assert seen[0] in range(0, 2 * GRANULE + 1, GRANULE)
    _, file = await _send(google, session, seen[0], len(DATA) - 1, len(DATA), expect=200)
    assert file == {"md5Checksum": hashlib.md5(DATA).hexdigest()}


async def test_declared_size_and_type_count(google: Google) -> None:
    headers = {"X-Upload-Content-Length": "5", "X-Upload-Content-Type": "text/x-rare"}
    session = await google.begin({"name": "a"}, headers=headers, params={"fields": "mimeType,size"})
    await google.refused("PUT", session, 400, "badRequest", data=b"too long")
    _, file = await google.request("PUT", session, data=b"right")
    assert file == {"mimeType": "text/x-rare", "size": "5"}


async def test_no_room(google: Google) -> None:
    await google.control("quota", free_bytes=1000)
    params = {"uploadType": "resumable"}
    headers = {"X-Upload-Content-Length": "1001"}
    path = "/upload/drive/v3/files"
    await google.refused("POST", path, 403, "storageQuotaExceeded", params=params, json={"name": "a"}, headers=headers)
    session = await google.begin({"name": "a"})
    await google.refused("PUT", session, 403, "storageQuotaExceeded", data=DATA)
    await google.refused("POST", path, 403, "storageQuotaExceeded", params={"uploadType": "media"}, data=DATA)
    await google.control("quota", limit_bytes=None)
    _, file = await google.request("PUT", session, data=DATA)
    assert file["name"] == "a"


async def test_the_session_address_is_enough_but_a_bad_token_is_not_ignored(google: Google) -> None:
    session = await google.begin({"name": "a"})
    async with google.session.put(session, data=b"", headers={"Content-Range": "bytes */*"}) as answer:
        assert answer.status == 308
    await google.control("expire", what="access_tokens")
    await google.refused("PUT", session, 401, "authError", data=b"x")
    async with google.session.put(session, data=b"now") as answer:
        assert answer.status == 200


async def test_a_damaged_store_shows_in_the_checksum(google: Google) -> None:
    await google.control("settings", corrupt_next_uploads=1)
    bad = await google.put("a", DATA)
    good = await google.put("b", DATA)
    assert good["md5Checksum"] == hashlib.md5(DATA).hexdigest() != bad["md5Checksum"]


async def test_media_and_multipart_in_both_line_endings_and_base64(google: Google) -> None:
    params = {"uploadType": "media", "fields": "name,mimeType,size"}
    headers = {"Content-Type": "text/x-some"}
    _, file = await google.request("POST", "/upload/drive/v3/files", params=params, data=b"abc", headers=headers)
    assert file == {"name": "Untitled", "mimeType": "text/x-some", "size": "3"}
    params = {"uploadType": "multipart", "fields": "name,mimeType,md5Checksum"}
    content = b"\r\n--not-it\r" + DATA[:1000]
    for newline in ("\n", "\r\n"):
        for encoding, sent in (("binary", content), ("base64", base64.encodebytes(content))):
            head = newline.join(
                (
                    *("--mark", "Content-Type: application/json; charset=UTF-8", "", '{"name": "m"}', "--mark"),
                    *("Content-Type: text/x-part", f"Content-Transfer-Encoding: {encoding}", "", ""),
                )
            )
            body = head.encode() + sent + f"{newline}--mark--{newline}".encode()
            headers = {"Content-Type": 'multipart/related; boundary="mark"'}
            _, file = await google.request(
                "POST", "/upload/drive/v3/files", params=params, data=_pieces(body, 7), headers=headers
            )
            check_schema("File", file)
            assert file == {"name": "m", "mimeType": "text/x-part", "md5Checksum": hashlib.md5(content).hexdigest()}
    for body in (b"", b"--mark\r\n\r\n{}", b"--other\r\n", b"--mark\r\nno colon\r\n\r\n"):
        await google.refused(
            "POST", "/upload/drive/v3/files", 400, "badContent", params=params, data=body, headers=headers
        )


async def test_new_content_for_a_file_that_is_deleted_meanwhile(google: Google) -> None:
    made = await google.put("a", b"old")
    path = f"/upload/drive/v3/files/{made['id']}"
    answer, _ = await google.request("PATCH", path, params={"uploadType": "resumable"}, json={})
    await google.request("DELETE", f"/drive/v3/files/{made['id']}", expect=204)
    await google.refused("PUT", answer.headers["Location"], 404, "notFound", data=b"new")


async def test_a_start_sweeps_away_what_nothing_leads_to(tmp_path: Path) -> None:
    async with running_google(tmp_path) as google:
        made = await google.put("kept", b"kept")
        old = await google.begin({"name": "old"})
        await _send(google, old, 0, GRANULE - 1, len(DATA))
        await google.control("settings", session_lifetime_s=-1)
    (tmp_path / "google" / "content" / "stray").write_bytes(b"left by a crash")
    async with running_google(tmp_path) as google:
        [blob] = (tmp_path / "google" / "content").iterdir()
        assert blob.read_bytes() == b"kept"
        _, data = await google.request("GET", f"/drive/v3/files/{made['id']}", params={"alt": "media"})
        assert data == b"kept"


async def test_nothing_is_left_behind_by_what_failed(google: Google, tmp_path: Path) -> None:
    session = await google.begin({"name": "a"})
    await _send(google, session, 0, GRANULE - 1, len(DATA))
    await google.request("DELETE", session, expect=499)
    await google.fault(match="uploadType=media", kind="cut_request", after_bytes=GRANULE, times=1)
    with pytest.raises(aiohttp.ClientError):
        await google.request("POST", "/upload/drive/v3/files", params={"uploadType": "media"}, data=DATA)
    made = await google.put("b", DATA)
    await google.request("DELETE", f"/drive/v3/files/{made['id']}", expect=204)
    assert await google.names() == []
    assert list((tmp_path / "google" / "content").iterdir()) == []
