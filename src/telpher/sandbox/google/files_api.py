"""The `files` collection of Drive v3: everything but uploads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from telpher.sandbox.google import entries, trash
from telpher.sandbox.google.access import account_of, find_file, member_drives
from telpher.sandbox.google.calls import Call, call_of, json_body, with_method_override
from telpher.sandbox.google.errors import DriveError, file_not_found, invalid_parameter
from telpher.sandbox.google.exporting import EXPORT_LIMIT_BYTES, EXPORTS
from telpher.sandbox.google.fields import apply_mask, mask_below
from telpher.sandbox.google.ledger import FOLDER_TYPE
from telpher.sandbox.google.render import GOOGLE_TYPE_PREFIX
from telpher.sandbox.google.search import list_files

_FILES = "/drive/v3/files"
_DEFAULT_LIST = "kind,nextPageToken,incompleteSearch,files(kind,id,name,mimeType)"
_ID_COUNT_LIMIT = 1000

Handler = Callable[[web.Request, Call], Awaitable[web.StreamResponse]]


def routes() -> list[web.RouteDef]:
    """Everything below `/drive/v3/files` that concerns files themselves."""
    one = _FILES + "/{file_id}"
    return [
        web.get(_FILES, _list),
        web.post(_FILES, _create_or_list),
        web.get(_FILES + "/generateIds", _generate_ids),
        web.delete(_FILES + "/trash", _empty_trash),
        web.get(one, _get),
        web.patch(one, _update),
        web.delete(one, _delete),
        web.post(one, _post_one),
        web.post(one + "/copy", _copy),
        web.get(one + "/export", _export),
    ]


async def _list(request: web.Request) -> web.Response:
    call = await call_of(request)
    mask = call.mask(_DEFAULT_LIST, "FileList")
    if call.query.get("spaces", "drive") != "drive":
        raise invalid_parameter("spaces", call.query["spaces"])
    page = list_files(call.ledger, call.caller, call.query)
    below = mask_below(mask, "files")
    rows = await call.with_digests(page.rows, below)
    answer = {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [call.renderer.file(row, below) for row in rows],
    }
    if page.next_token is not None:
        answer["nextPageToken"] = page.next_token
    return web.json_response(apply_mask(answer, dict.fromkeys(mask)))


async def _create_or_list(request: web.Request) -> web.Response:
    if with_method_override(request) == "GET":
        return await _list(request)
    call = await call_of(request)
    call.caller.require_writing()
    metadata = await json_body(request)
    row = entries.create(call.ledger, call.caller, metadata, None, all_drives=call.all_drives)
    return await call.file_answer(row)


async def _generate_ids(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_writing()
    text = call.query.get("count", "10")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _ID_COUNT_LIMIT:
        raise invalid_parameter("count", text)
    if (space := call.query.get("space", "drive")) != "drive":
        raise invalid_parameter("space", space)
    ids = [call.ledger.new_id() for _ in range(int(text))]
    mask = call.mask("*", "GeneratedIds")
    return web.json_response(apply_mask({"kind": "drive#generatedIds", "space": "drive", "ids": ids}, mask))


async def _empty_trash(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_writing()
    drive_id = call.query.get("driveId")
    if drive_id is not None and drive_id not in member_drives(call.ledger, call.caller.email):
        raise DriveError(404, "notFound", f"Shared drive not found: {drive_id}", location="driveId")
    trash.empty_trash(call.ledger, call.caller, drive_id)
    return web.Response(status=204)


async def _get(request: web.Request) -> web.StreamResponse:
    call = await call_of(request)
    file_id = request.match_info["file_id"]
    root_id = account_of(call.ledger, call.caller.email)["root_id"]
    if call.caller.sees_only_own_files and file_id in ("root", root_id):
        raise file_not_found(root_id)
    row = find_file(call.ledger, call.caller, file_id, all_drives=call.all_drives)
    if call.query.get("alt") != "media":
        return await call.file_answer(row)
    call.caller.require_content()
    if row["mime_type"].startswith(GOOGLE_TYPE_PREFIX):
        message = "Only files with binary content can be downloaded. Use Export with Docs Editors files."
        raise DriveError(403, "fileNotDownloadable", message, location="alt")
    if not row["blob"]:
        return web.Response(body=b"", content_type=row["mime_type"])
    headers = {"Content-Type": row["mime_type"], "Content-Disposition": "attachment", "Vary": "Origin, X-Origin"}
    return web.FileResponse(call.ledger.content_dir / row["blob"], headers=headers)


async def _post_one(request: web.Request) -> web.StreamResponse:
    overridden: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
        "PATCH": _update,
        "GET": _get,
        "DELETE": _delete,
    }
    handler = overridden.get(with_method_override(request))
    if handler is None:
        raise DriveError(404, "notFound", "Not Found")
    return await handler(request)


async def _update(request: web.Request) -> web.Response:
    call = await call_of(request)
    metadata = await json_body(request)
    is_starring = set(metadata) <= {"starred", "viewedByMeTime"} and not call.query.get("addParents")
    call.caller.require_writing(metadata_only=True)
    row = find_file(
        call.ledger,
        call.caller,
        request.match_info["file_id"],
        all_drives=call.all_drives,
        at_least="reader" if is_starring else "writer",
    )
    row = entries.update(call.ledger, call.caller, row, metadata, content=None, query=call.query)
    return await call.file_answer(row)


async def _delete(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_writing()
    row = find_file(call.ledger, call.caller, request.match_info["file_id"], all_drives=call.all_drives)
    trash.delete(call.ledger, call.caller, row)
    return web.Response(status=204)


async def _copy(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_writing()
    row = find_file(call.ledger, call.caller, request.match_info["file_id"], all_drives=call.all_drives)
    metadata = await json_body(request)
    return await call.file_answer(entries.copy(call.ledger, call.caller, row, metadata, all_drives=call.all_drives))


async def _export(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_content()
    row = find_file(call.ledger, call.caller, request.match_info["file_id"], all_drives=True)
    formats = EXPORTS.get(row["mime_type"])
    if formats is None:
        reason = "Export only supports Docs Editors files."
        raise DriveError(
            403, "fileNotExportable", reason, location="mimeType" if row["mime_type"] != FOLDER_TYPE else None
        )
    wanted = call.query.get("mimeType")
    if wanted is None:
        raise DriveError(400, "required", "Required parameter: mimeType", location="mimeType")
    if wanted not in formats:
        raise DriveError(400, "badRequest", "The requested conversion is not supported.", location="convertTo")
    data = formats[wanted](row["full_text"])
    if len(data) > EXPORT_LIMIT_BYTES:
        raise DriveError(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
    return web.Response(body=data, content_type=wanted, headers={"Content-Disposition": "attachment"})
