"""Permissions: who may see and change a file, and until when."""

from __future__ import annotations

import sqlite3
from typing import Any

from aiohttp import web

from telpher.sandbox.google import entries
from telpher.sandbox.google.access import account_of, find_file, is_at_least, role_of
from telpher.sandbox.google.calls import Call, call_of, json_body
from telpher.sandbox.google.errors import DriveError, insufficient_permissions
from telpher.sandbox.google.fields import apply_mask
from telpher.sandbox.google.ledger import Ledger, now_ms
from telpher.sandbox.google.render import DEFAULT_PERMISSION, owner_resource, permission_resources
from telpher.sandbox.google.rows import note_change
from telpher.sandbox.google.search import offset, page_size

_YEAR_MS = 366 * 24 * 3600 * 1000
_GRANTABLE = ("reader", "commenter", "writer", "fileOrganizer", "organizer")
_PERMISSIONS = "/drive/v3/files/{file_id}/permissions"


def routes() -> list[web.RouteDef]:
    """Everything below a file's `permissions`."""
    return [
        web.get(_PERMISSIONS, _list_permissions),
        web.post(_PERMISSIONS, _create_permission),
        web.get(_PERMISSIONS + "/{permission_id}", _get_permission),
        web.patch(_PERMISSIONS + "/{permission_id}", _update_permission),
        web.delete(_PERMISSIONS + "/{permission_id}", _delete_permission),
    ]


def _shared_file(request: web.Request, call: Call, *, at_least: str = "reader") -> sqlite3.Row:
    file_id = request.match_info["file_id"]
    return find_file(call.ledger, call.caller, file_id, all_drives=call.all_drives, at_least=at_least)


def _permission(call: Call, file: sqlite3.Row, permission_id: str) -> dict[str, Any]:
    for permission in permission_resources(call.ledger, file):
        if permission["id"] == permission_id:
            return permission
    raise DriveError(404, "notFound", f"Permission not found: {permission_id}.", location="permissionId")


async def _list_permissions(request: web.Request) -> web.Response:
    call = await call_of(request)
    file = _shared_file(request, call, at_least="writer")
    mask = call.mask(f"kind,nextPageToken,permissions({DEFAULT_PERMISSION})", "PermissionList")
    everyone = permission_resources(call.ledger, file)
    size = page_size(call.query, limit=100, default=100)
    start = offset(call.query.get("pageToken"))
    answer: dict[str, Any] = {"kind": "drive#permissionList", "permissions": everyone[start : start + size]}
    if start + size < len(everyone):
        answer["nextPageToken"] = str(start + size)
    return web.json_response(apply_mask(answer, mask))


async def _get_permission(request: web.Request) -> web.Response:
    call = await call_of(request)
    file = _shared_file(request, call, at_least="writer")
    permission = _permission(call, file, request.match_info["permission_id"])
    return web.json_response(apply_mask(permission, call.mask(DEFAULT_PERMISSION, "Permission")))


async def _create_permission(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_writing()
    file = _shared_file(request, call, at_least="writer")
    body = await json_body(request)
    kind, role = body.get("type"), body.get("role")
    if kind not in ("user", "group", "domain", "anyone"):
        raise DriveError(400, "invalid", "The permission type field is required.", location="permission.type")
    if role not in _GRANTABLE:
        raise DriveError(400, "invalid", "The specified role is invalid or not supported.", location="permission.role")
    if role in ("fileOrganizer", "organizer") and file["drive_id"] is None:
        raise DriveError(403, "organizerOnNonTeamDriveItemNotSupported", "This role is only for shared drives.")
    if not file["writers_can_share"] and file["owner"] is not None and file["owner"] != call.caller.email:
        raise insufficient_permissions(file["id"])
    address = entries.text_field(body, "emailAddress")
    if kind in ("user", "group") and (not address or "@" not in address):
        raise DriveError(400, "invalidSharingRequest", "The emailAddress field is required for this permission type.")
    domain = entries.text_field(body, "domain")
    if kind == "domain" and not domain:
        raise DriveError(
            400, "invalid", "The domain field is required for this permission type.", location="permission.domain"
        )
    if address and address == file["owner"]:
        permission = owner_resource(call.ledger, address)
        return web.json_response(apply_mask(permission, call.mask(DEFAULT_PERMISSION, "Permission")))
    expires_ms = _expiration(body, kind)
    permission_id = _permission_id(
        call.ledger, kind, address, domain, is_discoverable=bool(body.get("allowFileDiscovery"))
    )
    with call.ledger.transaction():
        call.ledger.run(
            "INSERT OR REPLACE INTO permissions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(file["id"], permission_id, kind, role, address if kind in ("user", "group") else None, domain),
            *(int(body.get("allowFileDiscovery") is True), expires_ms, now_ms(), call.caller.email),
        )
        note_change(call.ledger, file)
    permission = _permission(call, file, permission_id)
    return web.json_response(apply_mask(permission, call.mask(DEFAULT_PERMISSION, "Permission")))


def _permission_id(ledger: Ledger, kind: str, address: str | None, domain: str | None, *, is_discoverable: bool) -> str:
    """The same grantee has the same id on every file."""
    if kind == "anyone":
        return "anyone" if is_discoverable else "anyoneWithLink"
    account = ledger.one("SELECT permission_id FROM accounts WHERE email = ?", address)
    if account is not None:
        return str(account["permission_id"])
    return str(int(ledger.sign(f"{kind} {address or domain}"), 16)).zfill(20)


def _expiration(body: dict[str, Any], kind: str) -> int | None:
    expires_ms = entries.time_field(body, "expirationTime")
    if expires_ms is None:
        return None
    if kind not in ("user", "group"):
        message = "Expiration dates can only be set on user and group permissions."
        raise DriveError(
            403, "expirationDateNotAllowedForSharedDriveMembers" if kind == "domain" else "cannotSetExpiration", message
        )
    if not now_ms() < expires_ms <= now_ms() + _YEAR_MS:
        message = "The expiration time must be in the future and not more than a year away."
        raise DriveError(400, "invalid", message, location="permission.expirationTime")
    return expires_ms


async def _update_permission(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_writing()
    file = _shared_file(request, call, at_least="writer")
    body = await json_body(request)
    old = _permission(call, file, request.match_info["permission_id"])
    if old["role"] == "owner":
        raise insufficient_permissions(file["id"])
    for name in ("id", "type", "emailAddress", "domain"):
        if name in body:
            raise DriveError(
                403, "fieldNotWritable", "The resource body includes fields which are not directly writable."
            )
    role = body.get("role", old["role"])
    if role not in _GRANTABLE:
        raise DriveError(400, "invalid", "The specified role is invalid or not supported.", location="permission.role")
    is_removed = call.query.get("removeExpiration") == "true"
    expires_ms = None if is_removed else _expiration(body, old["type"])
    with call.ledger.transaction():
        call.ledger.run(
            "UPDATE permissions SET role = ?, expires_ms = CASE WHEN ? THEN NULL ELSE coalesce(?, expires_ms) END"
            " WHERE file_id = ? AND id = ?",
            *(role, int(is_removed), expires_ms, file["id"], old["id"]),
        )
        note_change(call.ledger, file)
    fresh = _permission(call, file, old["id"])
    return web.json_response(apply_mask(fresh, call.mask(DEFAULT_PERMISSION, "Permission")))


async def _delete_permission(request: web.Request) -> web.Response:
    call = await call_of(request)
    call.caller.require_writing()
    file = _shared_file(request, call)
    permission_id = request.match_info["permission_id"]
    own_id = account_of(call.ledger, call.caller.email)["permission_id"]
    is_leaving = permission_id == own_id and file["owner"] != call.caller.email
    if not is_leaving and not is_at_least(role_of(call.ledger, file, call.caller.email), "writer"):
        raise insufficient_permissions(file["id"])
    if _permission(call, file, permission_id)["role"] == "owner":
        raise insufficient_permissions(file["id"])
    with call.ledger.transaction():
        call.ledger.run("DELETE FROM permissions WHERE file_id = ? AND id = ?", file["id"], permission_id)
        note_change(call.ledger, file)
    return web.Response(status=204)
