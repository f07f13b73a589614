"""Shared drives: which there are, and how a test adds one."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Any

from aiohttp import web

from telpher.sandbox.google.access import account_of, member_drives
from telpher.sandbox.google.calls import Call, call_of
from telpher.sandbox.google.errors import DriveError, invalid_parameter
from telpher.sandbox.google.fields import apply_mask
from telpher.sandbox.google.ledger import FOLDER_TYPE, Ledger, now_ms, to_rfc3339
from telpher.sandbox.google.query import (
    And,
    Comparison,
    Has,
    Member,
    Not,
    Or,
    Query,
    QueryInvalidError,
    links_of,
    parse_query,
)
from telpher.sandbox.google.search import offset, page_size


def routes() -> list[web.RouteDef]:
    """Everything below `/drive/v3/drives`."""
    return [web.get("/drive/v3/drives", _list_drives), web.get("/drive/v3/drives/{drive_id}", _get_drive)]


async def _list_drives(request: web.Request) -> web.Response:
    call = await call_of(request)
    mask = call.mask("kind,nextPageToken,drives(kind,id,name)", "DriveList")
    rows = [_drive_row(call, one) for one in sorted(member_drives(call.ledger, call.caller.email))]
    if text := call.query.get("q", "").strip():
        try:
            query = parse_query(text)
            rows = [row for row in rows if _fits(row, query)]
        except QueryInvalidError:
            raise invalid_parameter("q") from None
    size, start = page_size(call.query, limit=100, default=10), offset(call.query.get("pageToken"))
    answer: dict[str, Any] = {"kind": "drive#driveList", "drives": [_drive(row) for row in rows[start : start + size]]}
    if start + size < len(rows):
        answer["nextPageToken"] = str(start + size)
    return web.json_response(apply_mask(answer, mask))


async def _get_drive(request: web.Request) -> web.Response:
    call = await call_of(request)
    drive_id = request.match_info["drive_id"]
    if drive_id not in member_drives(call.ledger, call.caller.email):
        raise DriveError(404, "notFound", f"Shared drive not found: {drive_id}", location="driveId")
    return web.json_response(apply_mask(_drive(_drive_row(call, drive_id)), call.mask("kind,id,name", "Drive")))


def _drive_row(call: Call, drive_id: str) -> sqlite3.Row:
    row = call.ledger.one("SELECT * FROM drives WHERE id = ?", drive_id)
    assert row is not None
    return row


def _drive(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "kind": "drive#drive",
        "id": row["id"],
        "name": row["name"],
        "createdTime": to_rfc3339(row["created_ms"]),
        "hidden": bool(row["is_hidden"]),
    }


def _fits(row: sqlite3.Row, query: Query) -> bool:
    match query:
        case And():
            return all(_fits(row, link) for link in links_of(query))
        case Or():
            return any(_fits(row, link) for link in links_of(query))
        case Not(of):
            return not _fits(row, of)
        case Comparison("name", "contains", value):
            return value.casefold() in str(row["name"]).casefold()
        case Comparison("name", operator, value):
            return (value.casefold() == str(row["name"]).casefold()) == (operator == "=")
        case Comparison("hidden", operator, value):
            return (bool(row["is_hidden"]) == (value == "true")) == (operator == "=")
        case Comparison() | Member() | Has():
            raise QueryInvalidError("not a term of shared drives")


def add_drive(ledger: Ledger, name: str, members: dict[str, str]) -> str:
    """A shared drive with these members and their roles; its id."""
    drive_id, time_ms = "0A" + secrets.token_urlsafe(12) + "UkPVA", now_ms()
    with ledger.transaction():
        ledger.run("INSERT INTO drives (id, name, created_ms) VALUES (?, ?, ?)", drive_id, name, time_ms)
        ledger.run(
            "INSERT INTO files (id, name, name_key, natural_key, mime_type, folder_rank, drive_id, created_ms, modified_ms)"
            " VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)",
            *(drive_id, name, name.casefold(), name.casefold(), FOLDER_TYPE, drive_id, time_ms, time_ms),
        )
        for email, role in members.items():
            ledger.run(
                "INSERT INTO permissions (file_id, id, type, role, email, created_ms) VALUES (?, ?, 'user', ?, ?, ?)",
                *(drive_id, account_of(ledger, email)["permission_id"], role, email, time_ms),
            )
    return drive_id
