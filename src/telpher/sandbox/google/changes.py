"""The list of changes: what happened to the files that a caller sees, since a page token."""

from __future__ import annotations

import sqlite3
from typing import Any

from aiohttp import web

from telpher.sandbox.google.access import is_visible_to_app, member_drives, role_of
from telpher.sandbox.google.calls import Call, call_of
from telpher.sandbox.google.errors import DriveError, invalid_parameter
from telpher.sandbox.google.fields import apply_mask, mask_below, wants
from telpher.sandbox.google.ledger import Ledger, to_rfc3339
from telpher.sandbox.google.search import offset, page_size

_DEFAULT_CHANGES = (
    "kind,newStartPageToken,nextPageToken,changes(kind,removed,file(kind,id,name,mimeType),fileId,time,changeType,type)"
)


def routes() -> list[web.RouteDef]:
    """Everything below `/drive/v3/changes`."""
    return [web.get("/drive/v3/changes/startPageToken", _start_page_token), web.get("/drive/v3/changes", _list_changes)]


async def _start_page_token(request: web.Request) -> web.Response:
    call = await call_of(request)
    answer = {"kind": "drive#startPageToken", "startPageToken": str(_next_change(call.ledger))}
    return web.json_response(apply_mask(answer, call.mask("*", "StartPageToken")))


def _next_change(ledger: Ledger) -> int:
    row = ledger.one("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")
    return int(row["seq"]) + 1 if row is not None else 1


async def _list_changes(request: web.Request) -> web.Response:
    call = await call_of(request)
    if "pageToken" not in call.query:
        raise DriveError(400, "required", "Required parameter: pageToken", location="pageToken")
    start, size = offset(call.query["pageToken"]), page_size(call.query)
    if start > (end := _next_change(call.ledger)) or start < 1:
        raise invalid_parameter("pageToken", call.query["pageToken"])
    mask = call.mask(_DEFAULT_CHANGES, "ChangeList")
    below = mask_below(mask, "changes")
    rows = call.ledger.all(
        "SELECT * FROM changes c WHERE seq >= ? AND seq < ?"
        " AND NOT EXISTS (SELECT 1 FROM changes d WHERE d.file_id = c.file_id AND d.seq > c.seq) ORDER BY seq LIMIT ?",
        *(start, end, size + 1),
    )
    with_removed = call.query.get("includeRemoved", "true") == "true"
    changes = [
        change
        for row in rows[:size]
        if (change := await _change(call, row, mask_below(below, "file"), wants_file=wants(below, "file"))) is not None
        and (with_removed or not change["removed"])
    ]
    answer: dict[str, Any] = {"kind": "drive#changeList", "changes": [apply_mask(change, below) for change in changes]}
    if len(rows) > size:
        answer["nextPageToken"] = str(rows[size]["seq"])
    else:
        answer["newStartPageToken"] = str(end)
    return web.json_response(apply_mask(answer, dict.fromkeys(mask)))


async def _change(call: Call, row: sqlite3.Row, mask: Any, *, wants_file: bool) -> dict[str, Any] | None:
    """One change as this caller may see it, or None when the file is none of theirs."""
    caller = call.caller
    change = {
        "kind": "drive#change",
        "type": "file",
        "changeType": "file",
        "fileId": row["file_id"],
        "time": to_rfc3339(row["time_ms"]),
        "removed": bool(row["is_removed"]),
    }
    if row["drive_id"] is not None and call.query.get("includeItemsFromAllDrives") != "true":
        return None
    if row["is_removed"]:
        was_seen = row["email"] == caller.email or row["drive_id"] in member_drives(call.ledger, caller.email)
        return change if was_seen and (not caller.sees_only_own_files or row["client_id"] == caller.client_id) else None
    file = call.ledger.one("SELECT * FROM files WHERE id = ?", row["file_id"])
    if file is None or role_of(call.ledger, file, caller.email, with_links=False) is None:
        return None
    if not is_visible_to_app(call.ledger, file, caller):
        return None
    if wants_file:
        [file] = await call.with_digests([file], mask)
        change["file"] = call.renderer.file(file, mask)
    return change
