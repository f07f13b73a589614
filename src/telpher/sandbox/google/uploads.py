"""The upload addresses: media, multipart and resumable, for new files and for new content."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.helpers import parse_mimetype

from telpher.sandbox.faults import KEEP_ONLY_BYTES
from telpher.sandbox.google import entries
from telpher.sandbox.google.access import find_file
from telpher.sandbox.google.calls import Call, call_of, json_body, json_object, with_method_override
from telpher.sandbox.google.content import GRANULE_BYTES, BlobWriter, corrupt, digests_of, store
from telpher.sandbox.google.errors import DriveError
from telpher.sandbox.google.grants import Caller, caller_of
from telpher.sandbox.google.ledger import Ledger
from telpher.sandbox.google.oauth import LEDGER, root_url
from telpher.sandbox.google.related import RelatedReader, decoded, malformed
from telpher.sandbox.google.render import DEFAULT_FILE
from telpher.sandbox.google.sessions import ContentRange, Sessions, agreed_total, bad_request, parse_content_range

SESSIONS = web.AppKey("google_sessions", Sessions)
_PREFIX = "/upload/drive/v3/files"
_METADATA_LIMIT_BYTES = 1024 * 1024


def routes() -> list[web.RouteDef]:
    """Everything below `/upload/drive/v3`."""
    return [
        web.post(_PREFIX, _post),
        web.put(_PREFIX, _chunk),
        web.delete(_PREFIX, _cancel),
        web.patch(_PREFIX + "/{file_id}", _start),
        web.post(_PREFIX + "/{file_id}", _post),
        web.put(_PREFIX + "/{file_id}", _chunk),
        web.delete(_PREFIX + "/{file_id}", _cancel),
    ]


async def _post(request: web.Request) -> web.StreamResponse:
    if "upload_id" in request.query:
        return await _cancel(request) if with_method_override(request) == "DELETE" else await _chunk(request)
    if "file_id" in request.match_info and with_method_override(request) not in ("PATCH", "PUT"):
        raise DriveError(404, "notFound", "Not Found")
    return await _start(request)


async def _start(request: web.Request) -> web.StreamResponse:
    call = await call_of(request)
    call.caller.require_writing()
    kind = request.query.get("uploadType", "media")
    file_id = request.match_info.get("file_id")
    row = None
    if file_id is not None:
        row = find_file(call.ledger, call.caller, file_id, all_drives=call.all_drives, at_least="writer")
    if kind == "resumable":
        return await _begin_session(request, call, row)
    if kind not in ("media", "multipart"):
        raise DriveError(400, "invalid", f"Invalid upload type {kind}.", location="uploadType")
    metadata: dict[str, Any] = {}
    blob = secrets.token_hex(16)
    path = call.ledger.content_dir / blob
    if kind == "multipart":
        reader = _parts_of(request)
        await reader.headers()
        metadata = json_object(await _small(reader.body()))
        _check(call, row, metadata)
        headers = await reader.headers()
        mime_type, chunks = headers.get("content-type"), decoded(headers, reader.body())
    else:
        mime_type, chunks = request.headers.get("Content-Type"), aiter(request.content.iter_any())
        _check(call, row, metadata)
    try:
        size_bytes, digests = await store(chunks, path, limit_bytes=_room(call, row, metadata))
    except OverflowError:
        raise DriveError(403, "storageQuotaExceeded") from None
    if (left := call.ledger.setting("corrupt_next_uploads")) >= 1:
        call.ledger.change_settings(corrupt_next_uploads=left - 1)
        corrupt(path)
        digests = await asyncio.to_thread(digests_of, path)
    content = entries.Content(blob, size_bytes, digests.md5, digests.sha256, mime_type)
    try:
        if row is not None:
            file = entries.update(call.ledger, call.caller, row, metadata, content=content, query=call.query)
        else:
            file = entries.create(call.ledger, call.caller, metadata, content, all_drives=call.all_drives)
    except DriveError:
        path.unlink(missing_ok=True)
        raise
    return await call.file_answer(file)


def _check(call: Call, row: sqlite3.Row | None, metadata: dict[str, Any]) -> None:
    """Refuse before any content is taken what would be refused afterwards."""
    if row is None:
        entries.check_new_id(call.ledger, metadata)
        entries.parent_for_new(call.ledger, call.caller, metadata, all_drives=call.all_drives)


def _room(call: Call, row: sqlite3.Row | None, metadata: dict[str, Any]) -> int | None:
    """How much this upload may store; None in shared drives and where nothing limits it."""
    if row is not None:
        owner = row["owner"]
    else:
        parent = entries.parent_for_new(call.ledger, call.caller, metadata, all_drives=call.all_drives)
        owner = None if parent["drive_id"] is not None else parent["owner"]
    return None if owner is None else entries.room_bytes(call.ledger, owner)


def _parts_of(request: web.Request) -> RelatedReader:
    kind = parse_mimetype(request.headers.get("Content-Type", ""))
    if kind.type != "multipart" or not kind.parameters.get("boundary"):
        raise malformed()
    return RelatedReader(aiter(request.content.iter_any()), kind.parameters["boundary"])


async def _small(chunks: AsyncIterator[bytes]) -> bytes:
    """The metadata part, whole."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > _METADATA_LIMIT_BYTES:
            raise bad_request("Metadata part is too large.")
    return bytes(data)


async def _begin_session(request: web.Request, call: Call, row: sqlite3.Row | None) -> web.Response:
    metadata = await json_body(request)
    _check(call, row, metadata)
    declared = request.headers.get("X-Upload-Content-Length")
    if declared is not None and not (declared.isascii() and declared.isdigit()):
        raise bad_request("Invalid X-Upload-Content-Length header.")
    total_bytes = int(declared) if declared is not None else None
    room_bytes = _room(call, row, metadata)
    if total_bytes is not None and room_bytes is not None and total_bytes > room_bytes:
        raise DriveError(403, "storageQuotaExceeded")
    call.mask(DEFAULT_FILE, "File")
    upload_id = request.app[SESSIONS].begin(
        call.caller,
        row["id"] if row is not None else None,
        metadata,
        call.query,
        mime_type=request.headers.get("X-Upload-Content-Type"),
        total_bytes=total_bytes,
    )
    location = f"{root_url(request)}{request.path}?" + urlencode({**request.query, "upload_id": upload_id})
    return web.Response(headers={"Location": location, "X-GUploader-UploadID": upload_id})


async def _cancel(request: web.Request) -> web.StreamResponse:
    sessions = request.app[SESSIONS]
    row = sessions.find(request.query.get("upload_id", ""))
    if row["state"] == "done":
        return await _finished(request, row)
    sessions.forget(row)
    return web.Response(status=499, reason="Client Closed Request")


async def _chunk(request: web.Request) -> web.StreamResponse:
    sessions, ledger = request.app[SESSIONS], request.app[LEDGER]
    upload_id = request.query.get("upload_id", "")
    row = sessions.find(upload_id)
    if "Authorization" in request.headers:
        caller_of(ledger, request.headers["Authorization"])
    header = request.headers.get("Content-Range")
    wanted = parse_content_range(header) if header is not None else None
    desk = await sessions.take_over(upload_id)
    async with desk.lock:
        row = sessions.find(upload_id)
        if row["state"] == "done":
            return await _finished(request, row)
        if wanted is None:
            wanted = _whole_body(request)
        total_bytes = agreed_total(row, wanted.total)
        writer = sessions.writer_of(desk, row)
        desk.holder = asyncio.current_task()
        try:
            is_whole = await _receive(request, writer, wanted, total_bytes, _room_of(ledger, sessions, row))
            if is_whole:
                file = await sessions.complete(row, desk)
                return await _finished(request, sessions.find(upload_id), file)
            await writer.pause()
            sessions.keep_total(row, total_bytes)
        except BaseException:
            await writer.pause()
            raise
        finally:
            desk.holder = None
        return _incomplete(upload_id, writer.held_bytes)


def _whole_body(request: web.Request) -> ContentRange:
    """A request without Content-Range brings the whole file, however long it turns out to be."""
    length_bytes = request.content_length
    return ContentRange(0, None if length_bytes is None else length_bytes - 1, length_bytes)


def _room_of(ledger: Ledger, sessions: Sessions, row: sqlite3.Row) -> int | None:
    """How much the session's account may store; what goes to a shared drive is not counted."""
    query = json.loads(row["query"])
    caller = Caller(row["email"], row["client_id"], frozenset(row["scope"].split()))
    if row["is_update"]:
        owner = sessions.target_of(row)["owner"]
    else:
        all_drives = query.get("supportsAllDrives") == "true"
        parent = entries.parent_for_new(ledger, caller, json.loads(row["metadata"]), all_drives=all_drives)
        owner = None if parent["drive_id"] is not None else parent["owner"]
    return None if owner is None else entries.room_bytes(ledger, owner)


async def _receive(
    request: web.Request, writer: BlobWriter, wanted: ContentRange, total_bytes: int | None, room_bytes: int | None
) -> bool:
    """Take a chunk's bytes; True when the file is whole."""
    if wanted.first is None:
        return total_bytes is not None and writer.held_bytes == total_bytes
    _check_chunk(wanted, writer.held_bytes)
    held_bytes, keep_bytes = writer.held_bytes, request.get(KEEP_ONLY_BYTES)
    seen_bytes, skip_bytes = 0, held_bytes - wanted.first
    async for chunk in request.content.iter_any():
        seen_bytes += len(chunk)
        if wanted.length is not None and seen_bytes > wanted.length:
            raise bad_request(_wrong_length(seen_bytes, wanted))
        fresh = chunk[min(skip_bytes, len(chunk)) :]
        skip_bytes -= len(chunk) - len(fresh)
        if keep_bytes is not None:
            fresh = fresh[: max(keep_bytes - (writer.taken_bytes - held_bytes), 0)]
        if room_bytes is not None and writer.taken_bytes + len(fresh) > room_bytes:
            raise DriveError(403, "storageQuotaExceeded")
        await writer.write(fresh)
    if wanted.length is not None and seen_bytes != wanted.length:
        raise bad_request(_wrong_length(seen_bytes, wanted))
    was_cut_short = keep_bytes is not None and writer.taken_bytes - held_bytes >= keep_bytes
    ends_here = wanted.is_final or wanted.last is None
    return ends_here and not was_cut_short and total_bytes in (None, writer.taken_bytes)


def _check_chunk(wanted: ContentRange, held_bytes: int) -> None:
    """Refuse a chunk that leaves a gap, or that is too small to come before others."""
    assert wanted.first is not None
    if wanted.first > held_bytes:
        message = (
            f"Invalid request. According to the Content-Range header, the upload offset is {wanted.first} byte(s),"
            f" which exceeds already uploaded size of {held_bytes} byte(s)."
        )
        raise DriveError(503, "backendError", message)
    if wanted.length is not None and wanted.length < GRANULE_BYTES and not wanted.is_final:
        message = (
            f"Invalid request. The number of bytes uploaded is required to be equal or greater than {GRANULE_BYTES}, except for"
            f" the final request. The received request contained {wanted.length} bytes, which does not meet this requirement."
        )
        raise bad_request(message)


def _wrong_length(seen_bytes: int, wanted: ContentRange) -> str:
    return (
        f"Invalid request. There were {seen_bytes} byte(s) in the request body, which does not fit the Content-Range header"
        f" (starting at offset {wanted.first} and ending at offset {wanted.last})."
    )


def _incomplete(upload_id: str, held_bytes: int) -> web.Response:
    headers = {"X-GUploader-UploadID": upload_id}
    if held_bytes:
        headers["Range"] = f"bytes=0-{held_bytes - 1}"
    return web.Response(status=308, reason="Resume Incomplete", headers=headers)


async def _finished(request: web.Request, row: sqlite3.Row, file: sqlite3.Row | None = None) -> web.Response:
    """The file that a finished session made, as its first request wanted it."""
    ledger = request.app[LEDGER]
    if file is None:
        file = ledger.one("SELECT * FROM files WHERE id = ?", row["file_id"])
        if file is None:
            raise DriveError(404, "notFound", "Upload session not found.")
    caller = Caller(row["email"], row["client_id"], frozenset(row["scope"].split()))
    return await Call(ledger, caller, json.loads(row["query"]), root_url(request)).file_answer(file)
