"""Rows become the resources that the Drive API documents; only what is wanted is made."""

from __future__ import annotations

import json
import sqlite3
from pathlib import PurePosixPath
from typing import Any

from telpher.sandbox.google.access import account_of, is_at_least, role_of
from telpher.sandbox.google.fields import Mask, apply_mask, wants
from telpher.sandbox.google.grants import Caller
from telpher.sandbox.google.ledger import FOLDER_TYPE, Ledger, now_ms, to_rfc3339

DEFAULT_FILE = "kind,id,name,mimeType"
DEFAULT_PERMISSION = "kind,id,type,role"
GOOGLE_TYPE_PREFIX = "application/vnd.google-apps."
_DOC_PATHS = {"document": "document", "spreadsheet": "spreadsheets", "presentation": "presentation"}


def user_resource(ledger: Ledger, email: str, me: str) -> dict[str, Any]:
    """A User; strangers have an address and nothing else."""
    row = ledger.one("SELECT * FROM accounts WHERE email = ?", email)
    user: dict[str, Any] = {"kind": "drive#user", "displayName": email.partition("@")[0], "me": email == me}
    if row is not None:
        user |= {"displayName": row["name"], "permissionId": row["permission_id"]}
    return user | {"emailAddress": email}


class FileRenderer:
    """Makes File resources for one caller."""

    def __init__(self, ledger: Ledger, caller: Caller, root_url: str) -> None:
        self._ledger = ledger
        self._caller = caller
        self._root_url = root_url

    def file(self, row: sqlite3.Row, mask: Mask | None) -> dict[str, Any]:
        """One File, cut down to what is wanted."""
        whole = self._plain(row)
        if wants(mask, "starred") or wants(mask, "viewedByMe") or wants(mask, "viewedByMeTime"):
            whole |= self._marks(row)
        if wants(mask, "owners") and row["owner"] is not None:
            whole["owners"] = [user_resource(self._ledger, row["owner"], self._caller.email)]
        for name, column in (("lastModifyingUser", "modified_by"), ("trashingUser", "trashed_by")):
            if wants(mask, name) and row[column] is not None:
                whole[name] = user_resource(self._ledger, row[column], self._caller.email)
        if any(
            wants(mask, name)
            for name in ("capabilities", "permissions", "permissionIds", "parents", "shared", "sharedWithMeTime")
        ):
            whole |= self._rights(row, mask)
        picked: dict[str, Any] = apply_mask(whole, mask)
        return picked

    def _plain(self, row: sqlite3.Row) -> dict[str, Any]:
        file: dict[str, Any] = {
            "kind": "drive#file",
            "id": row["id"],
            "name": row["name"],
            "mimeType": row["mime_type"],
            "trashed": bool(row["is_trashed"]),
            "explicitlyTrashed": bool(row["is_explicitly_trashed"]),
            "spaces": ["drive"],
            "version": str(row["version"]),
            "createdTime": to_rfc3339(row["created_ms"]),
            "modifiedTime": to_rfc3339(row["modified_ms"]),
            "modifiedByMe": row["modified_by"] == self._caller.email,
            "ownedByMe": row["owner"] == self._caller.email,
            "quotaBytesUsed": str(row["quota_bytes"]),
            "webViewLink": self._view_link(row),
            "iconLink": f"{self._root_url}/drive-icon/16/type/{row['mime_type']}",
            "isAppAuthorized": row["client_id"] == self._caller.client_id,
            "writersCanShare": bool(row["writers_can_share"]),
            "copyRequiresWriterPermission": bool(row["needs_writer_to_copy"]),
            "viewersCanCopyContent": not row["needs_writer_to_copy"],
            "hasThumbnail": False,
            "thumbnailVersion": "0",
        }
        if row["modified_by"] == self._caller.email:
            file["modifiedByMeTime"] = to_rfc3339(row["modified_ms"])
        for name, column in (
            ("description", "description"),
            ("folderColorRgb", "folder_color"),
            ("driveId", "drive_id"),
        ):
            if row[column] is not None:
                file[name] = row[column]
        if row["trashed_ms"] is not None:
            file["trashedTime"] = to_rfc3339(row["trashed_ms"])
        if properties := json.loads(row["properties"]):
            file["properties"] = properties
        if own := json.loads(row["app_properties"]).get(self._caller.client_id):
            file["appProperties"] = own
        if row["shortcut_target"] is not None:
            file["shortcutDetails"] = self._shortcut(row["shortcut_target"])
        if not row["mime_type"].startswith(GOOGLE_TYPE_PREFIX):
            file |= self._content(row)
        return file

    def _content(self, row: sqlite3.Row) -> dict[str, Any]:
        file = {
            "size": str(row["size_bytes"]),
            "originalFilename": row["original_name"] or row["name"],
            "webContentLink": f"{self._root_url}/drive/uc?id={row['id']}&export=download",
            "headRevisionId": row["revision"],
            "fullFileExtension": "".join(PurePosixPath(row["name"]).suffixes).removeprefix("."),
            "fileExtension": PurePosixPath(row["name"]).suffix.removeprefix("."),
        }
        for name, column in (("md5Checksum", "md5"), ("sha1Checksum", "sha1"), ("sha256Checksum", "sha256")):
            if row[column] is not None:
                file[name] = row[column]
        return file

    def _marks(self, row: sqlite3.Row) -> dict[str, Any]:
        mark = self._ledger.one("SELECT * FROM marks WHERE email = ? AND file_id = ?", self._caller.email, row["id"])
        file: dict[str, Any] = {"starred": bool(mark and mark["is_starred"])}
        file["viewedByMe"] = bool(mark and mark["viewed_ms"] is not None)
        if mark and mark["viewed_ms"] is not None:
            file["viewedByMeTime"] = to_rfc3339(mark["viewed_ms"])
        return file

    def _rights(self, row: sqlite3.Row, mask: Mask | None) -> dict[str, Any]:
        ledger, me = self._ledger, self._caller.email
        role = role_of(ledger, row, me)
        own = permission_rows(ledger, row["id"])
        file: dict[str, Any] = {"shared": bool(own), "capabilities": _capabilities(row, role)}
        if row["parent_id"] is not None:
            parent = ledger.one("SELECT * FROM files WHERE id = ?", row["parent_id"])
            if parent is not None and role_of(ledger, parent, me) is not None:
                file["parents"] = [parent["id"]]
        direct = next((one for one in own if one["email"] == me), None)
        if direct is not None and row["owner"] != me:
            file["sharedWithMeTime"] = to_rfc3339(direct["created_ms"])
        if is_at_least(role, "writer") and row["drive_id"] is None:
            permissions = permission_resources(ledger, row)
            file["permissionIds"] = [one["id"] for one in permissions]
            if wants(mask, "permissions"):
                file["permissions"] = permissions
        return file

    def _view_link(self, row: sqlite3.Row) -> str:
        if row["mime_type"] == FOLDER_TYPE:
            return f"{self._root_url}/drive/folders/{row['id']}"
        if (kind := row["mime_type"].removeprefix(GOOGLE_TYPE_PREFIX)) in _DOC_PATHS:
            return f"{self._root_url}/{_DOC_PATHS[kind]}/d/{row['id']}/edit?usp=drivesdk"
        return f"{self._root_url}/drive/file/d/{row['id']}/view?usp=drivesdk"

    def _shortcut(self, target_id: str) -> dict[str, str]:
        target = self._ledger.one("SELECT mime_type FROM files WHERE id = ?", target_id)
        details = {"targetId": target_id}
        if target is not None:
            details["targetMimeType"] = target["mime_type"]
        return details


def _capabilities(row: sqlite3.Row, role: str | None) -> dict[str, bool]:
    is_folder, may_write = row["mime_type"] == FOLDER_TYPE, is_at_least(role, "writer")
    may_remove = (
        is_at_least(role, "owner" if row["drive_id"] is None else "fileOrganizer") and row["parent_id"] is not None
    )
    may_read = is_at_least(role, "reader")
    return {
        "canAddChildren": is_folder and may_write,
        "canComment": is_at_least(role, "commenter"),
        "canCopy": may_read and not is_folder,
        "canDelete": may_remove,
        "canDownload": may_read and not is_folder,
        "canEdit": may_write,
        "canListChildren": is_folder and may_read,
        "canModifyContent": may_write and not is_folder,
        "canRemoveChildren": is_folder and may_write,
        "canRename": may_write,
        "canShare": may_write,
        "canTrash": may_remove,
        "canUntrash": may_remove,
    }


def permission_rows(ledger: Ledger, file_id: str) -> list[sqlite3.Row]:
    """What was granted on this very file and has not ended."""
    return ledger.all(
        "SELECT * FROM permissions WHERE file_id = ? AND (expires_ms IS NULL OR expires_ms > ?) ORDER BY created_ms, id",
        *(file_id, now_ms()),
    )


def permission_resource(ledger: Ledger, row: sqlite3.Row) -> dict[str, Any]:
    """One Permission."""
    permission: dict[str, Any] = {"kind": "drive#permission", "id": row["id"], "type": row["type"], "role": row["role"]}
    if row["email"] is not None:
        known = ledger.one("SELECT name FROM accounts WHERE email = ?", row["email"])
        permission |= {
            "emailAddress": row["email"],
            "displayName": known["name"] if known else row["email"].partition("@")[0],
            "deleted": False,
            "pendingOwner": False,
        }
    if row["domain"] is not None:
        permission |= {"domain": row["domain"], "displayName": row["domain"]}
    if row["type"] in ("anyone", "domain"):
        permission["allowFileDiscovery"] = bool(row["is_discoverable"])
    if row["expires_ms"] is not None:
        permission["expirationTime"] = to_rfc3339(row["expires_ms"])
    return permission


def permission_resources(ledger: Ledger, file: sqlite3.Row) -> list[dict[str, Any]]:
    """All Permissions of a file: its owner first."""
    permissions = [permission_resource(ledger, row) for row in permission_rows(ledger, file["id"])]
    return ([owner_resource(ledger, file["owner"])] if file["owner"] is not None else []) + permissions


def owner_resource(ledger: Ledger, email: str) -> dict[str, Any]:
    """The Permission that a file's owner has."""
    account = account_of(ledger, email)
    return {
        "kind": "drive#permission",
        "id": account["permission_id"],
        "type": "user",
        "role": "owner",
        "emailAddress": email,
        "displayName": account["name"],
        "deleted": False,
        "pendingOwner": False,
    }
