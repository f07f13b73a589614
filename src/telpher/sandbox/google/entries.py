"""Changes to the drive's tree: create, edit, move, copy; each leaves a line in the list of changes."""

from __future__ import annotations

import dataclasses
import json
import mimetypes
import secrets
import sqlite3
from typing import Any

from telpher.sandbox.google import trash
from telpher.sandbox.google.access import account_of, find_parent, ids_below, is_at_least, role_of
from telpher.sandbox.google.errors import DriveError, insufficient_permissions
from telpher.sandbox.google.grants import Caller
from telpher.sandbox.google.ledger import (
    FOLDER_TYPE,
    SHORTCUT_TYPE,
    Ledger,
    from_rfc3339,
    natural_key,
    now_ms,
)
from telpher.sandbox.google.render import GOOGLE_TYPE_PREFIX
from telpher.sandbox.google.rows import note_change, row_of

BINARY_TYPE = "application/octet-stream"
INDEXED_TEXT_BYTES = 64 * 1024
_NOT_WRITABLE_LATER = (
    "id",
    "parents",
    "driveId",
    "teamDriveId",
    "owners",
    "permissions",
    "size",
    "md5Checksum",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """What was uploaded: a file in the content folder, already whole."""

    blob: str
    size_bytes: int
    md5: str
    sha256: str | None
    mime_type: str | None


def text_field(metadata: dict[str, Any], name: str) -> str | None:
    """A field that is a string or absent; raises the 400 that Google answers."""
    value = metadata.get(name)
    if value is not None and not isinstance(value, str):
        raise DriveError(400, "invalid", f"Invalid value for field {name}.", location=name)
    return value


def time_field(metadata: dict[str, Any], name: str) -> int | None:
    """A field that is a time or absent."""
    if (text := text_field(metadata, name)) is None:
        return None
    try:
        return from_rfc3339(text)
    except ValueError:
        raise DriveError(400, "invalid", f"Invalid value for field {name}.", location=name) from None


def map_field(metadata: dict[str, Any], name: str) -> dict[str, str | None]:
    """A field that maps strings to strings; a null removes a key."""
    value = metadata.get(name) or {}
    if not isinstance(value, dict) or not all(one is None or isinstance(one, str) for one in value.values()):
        raise DriveError(400, "invalid", f"Invalid value for field {name}.", location=name)
    return value


def used_bytes(ledger: Ledger, email: str, *, in_trash_only: bool = False) -> int:
    """What an account's files take, those in the trash included."""
    row = ledger.one(
        "SELECT coalesce(sum(quota_bytes), 0) AS used FROM files WHERE owner = ? AND is_trashed >= ?",
        *(email, int(in_trash_only)),
    )
    return int(row["used"]) if row is not None else 0


def room_bytes(ledger: Ledger, email: str) -> int | None:
    """How much more an account may store; None when there is no limit."""
    quota_bytes: int | None = account_of(ledger, email)["quota_bytes"]
    return None if quota_bytes is None else max(quota_bytes - used_bytes(ledger, email), 0)


def check_new_id(ledger: Ledger, metadata: dict[str, Any]) -> None:
    """A pre-generated id is ours, fits the kind of file, and is still free; raises what Google answers."""
    if (file_id := text_field(metadata, "id")) is None:
        return
    if not ledger.is_usable_id(file_id):
        raise DriveError(400, "invalid", "The provided file ID is not usable.", location="file.id", at="other")
    mime_type = text_field(metadata, "mimeType") or ""
    if mime_type.startswith(GOOGLE_TYPE_PREFIX) and mime_type not in (FOLDER_TYPE, SHORTCUT_TYPE):
        message = "Generated IDs are not supported for Docs Editors formats."
        raise DriveError(400, "generatedIdNotSupported", message, location="file.id", at="other")
    if ledger.one("SELECT 1 FROM files WHERE id = ?1 UNION SELECT 1 FROM used_ids WHERE id = ?1", file_id) is not None:
        raise DriveError(
            409, "fileIdInUse", "A file already exists with the provided ID.", location="file.id", at="other"
        )


def parent_for_new(ledger: Ledger, caller: Caller, metadata: dict[str, Any], *, all_drives: bool) -> sqlite3.Row:
    """The folder that a new file goes into; My Drive's root when none is named."""
    parents = metadata.get("parents") or ["root"]
    if not isinstance(parents, list) or not all(isinstance(one, str) for one in parents):
        raise DriveError(400, "invalid", "Invalid value for field parents.", location="parents")
    if len(parents) > 1:
        message = "A file cannot have multiple parents."
        raise DriveError(403, "multipleParentsNotSupported", message, location="parents")
    return find_parent(ledger, caller, parents[0], all_drives=all_drives)


def create(
    ledger: Ledger, caller: Caller, metadata: dict[str, Any], content: Content | None, *, all_drives: bool
) -> sqlite3.Row:
    """Make a file or a folder; the new row."""
    with ledger.transaction():
        check_new_id(ledger, metadata)
        parent = parent_for_new(ledger, caller, metadata, all_drives=all_drives)
        name = text_field(metadata, "name") or text_field(metadata, "originalFilename") or "Untitled"
        mime_type = text_field(metadata, "mimeType") or _guess_type(name, content)
        is_folder, is_google = mime_type == FOLDER_TYPE, mime_type.startswith(GOOGLE_TYPE_PREFIX)
        if is_folder and content is not None:
            raise DriveError(400, "badRequest", "Folders have no content.")
        if content is None and not is_google:
            content = Content("", 0, "d41d8cd98f00b204e9800998ecf8427e", None, None)
        size_bytes = content.size_bytes if content and not is_google else None
        owner = None if parent["drive_id"] is not None else parent["owner"]
        time_ms = now_ms()
        target_id = _shortcut_target(ledger, mime_type, metadata)
        app_properties = {
            key: value for key, value in map_field(metadata, "appProperties").items() if value is not None
        }
        properties = {key: value for key, value in map_field(metadata, "properties").items() if value is not None}
        file_id = text_field(metadata, "id") or ledger.new_id()
        values = {
            "id": file_id,
            "name": name,
            "name_key": name.casefold(),
            "natural_key": natural_key(name),
            "mime_type": mime_type,
            "folder_rank": int(not is_folder),
            "parent_id": parent["id"],
            "drive_id": parent["drive_id"],
            "owner": owner,
            "client_id": caller.client_id,
            "created_ms": time_field(metadata, "createdTime") or time_ms,
            "modified_ms": time_field(metadata, "modifiedTime") or time_ms,
            "modified_by": caller.email,
            "size_bytes": size_bytes,
            "quota_bytes": size_bytes or 0,
            "blob": content.blob or None if content else None,
            "md5": content.md5 if content and not is_google else None,
            "sha256": content.sha256 if content and not is_google else None,
            "full_text": _index_text(ledger, content, mime_type),
            "is_trashed": parent["is_trashed"],
            "description": text_field(metadata, "description"),
            "original_name": text_field(metadata, "originalFilename") or name,
            "folder_color": text_field(metadata, "folderColorRgb") if is_folder else None,
            "shortcut_target": target_id,
            "properties": json.dumps(properties),
            "app_properties": json.dumps({caller.client_id: app_properties} if app_properties else {}),
            "writers_can_share": int(metadata.get("writersCanShare", True) is not False),
            "needs_writer_to_copy": int(metadata.get("copyRequiresWriterPermission") is True),
            "revision": None if is_google else "0B" + secrets.token_urlsafe(36),
        }
        names = ", ".join(values)
        ledger.run(f"INSERT INTO files ({names}) VALUES ({', '.join('?' * len(values))})", *values.values())  # noqa: S608
        _mark(ledger, caller, file_id, metadata)
        row = row_of(ledger, file_id)
        note_change(ledger, row)
        return row


def _guess_type(name: str, content: Content | None) -> str:
    if content is not None and content.mime_type not in (None, "", BINARY_TYPE, "*/*"):
        return content.mime_type or BINARY_TYPE
    return mimetypes.guess_type(name)[0] or BINARY_TYPE


def _index_text(ledger: Ledger, content: Content | None, mime_type: str) -> str:
    """The beginning of a text, for the search in contents."""
    is_text = mime_type.startswith(("text/", GOOGLE_TYPE_PREFIX)) or mime_type == "application/json"
    if content is None or not content.blob or not is_text:
        return ""
    with (ledger.content_dir / content.blob).open("rb") as file:
        return file.read(INDEXED_TEXT_BYTES).decode("utf-8", "replace")


def _shortcut_target(ledger: Ledger, mime_type: str, metadata: dict[str, Any]) -> str | None:
    if mime_type != SHORTCUT_TYPE:
        return None
    details = metadata.get("shortcutDetails")
    target_id = details.get("targetId") if isinstance(details, dict) else None
    if not isinstance(target_id, str) or ledger.one("SELECT 1 FROM files WHERE id = ?", target_id) is None:
        raise DriveError(404, "shortcutTargetNotFound", "The shortcut target was not found.")
    return target_id


def _mark(ledger: Ledger, caller: Caller, file_id: str, metadata: dict[str, Any]) -> None:
    """Keep what one account says about a file for itself: its star, when it looked."""
    if "starred" not in metadata and "viewedByMeTime" not in metadata:
        return
    ledger.run("INSERT OR IGNORE INTO marks (email, file_id) VALUES (?, ?)", caller.email, file_id)
    if "starred" in metadata:
        is_starred = int(metadata["starred"] is True)
        ledger.run("UPDATE marks SET is_starred = ? WHERE email = ? AND file_id = ?", is_starred, caller.email, file_id)
    if "viewedByMeTime" in metadata:
        viewed_ms = time_field(metadata, "viewedByMeTime")
        ledger.run("UPDATE marks SET viewed_ms = ? WHERE email = ? AND file_id = ?", viewed_ms, caller.email, file_id)


def update(
    ledger: Ledger,
    caller: Caller,
    row: sqlite3.Row,
    metadata: dict[str, Any],
    *,
    content: Content | None,
    query: dict[str, str],
) -> sqlite3.Row:
    """Change metadata, place and content; the row as it is then."""
    for name in _NOT_WRITABLE_LATER:
        if name in metadata:
            hint = " Use the addParents and removeParents parameters instead." if name == "parents" else ""
            message = f"The resource body includes fields which are not directly writable.{hint}"
            raise DriveError(403, "fieldNotWritable", message, location=name)
    with ledger.transaction():
        changed = _changed_columns(caller, row, metadata)
        if content is not None:
            changed |= _new_content(ledger, row, metadata, content)
        if changed:
            changed["modified_ms"] = time_field(metadata, "modifiedTime") or (
                now_ms() if content is not None or "name" in changed else changed.get("modified_ms", row["modified_ms"])
            )
            changed |= {"modified_by": caller.email, "version": row["version"] + 1}
            columns = ", ".join(f"{column} = ?" for column in changed)
            ledger.run(f"UPDATE files SET {columns} WHERE id = ?", *changed.values(), row["id"])  # noqa: S608
        _mark(ledger, caller, row["id"], metadata)
        if "trashed" in metadata:
            trash.set_trashed(ledger, caller, row, is_trashed=metadata["trashed"] is True)
        if query.get("addParents") or query.get("removeParents"):
            _move(ledger, caller, row, query)
        fresh = row_of(ledger, row["id"])
        note_change(ledger, fresh)
    if content is not None and row["blob"]:
        trash.drop_blobs(ledger, [row["blob"]])
    return fresh


def _changed_columns(caller: Caller, row: sqlite3.Row, metadata: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if (name := text_field(metadata, "name")) is not None:
        changed |= {"name": name, "name_key": name.casefold(), "natural_key": natural_key(name)}
    for field, column in (
        ("mimeType", "mime_type"),
        ("originalFilename", "original_name"),
        ("folderColorRgb", "folder_color"),
    ):
        if (text := text_field(metadata, field)) is not None:
            changed[column] = text
    if "description" in metadata:
        changed["description"] = text_field(metadata, "description") or None
    if (modified_ms := time_field(metadata, "modifiedTime")) is not None:
        changed["modified_ms"] = modified_ms
    for field, column in (
        ("writersCanShare", "writers_can_share"),
        ("copyRequiresWriterPermission", "needs_writer_to_copy"),
    ):
        if field in metadata:
            changed[column] = int(metadata[field] is True)
    if "properties" in metadata:
        changed["properties"] = json.dumps(_merged(json.loads(row["properties"]), map_field(metadata, "properties")))
    if "appProperties" in metadata:
        everyone = json.loads(row["app_properties"])
        everyone[caller.client_id] = _merged(everyone.get(caller.client_id, {}), map_field(metadata, "appProperties"))
        changed["app_properties"] = json.dumps(everyone)
    return changed


def _merged(old: dict[str, str], new: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in {**old, **new}.items() if value is not None}


def _new_content(ledger: Ledger, row: sqlite3.Row, metadata: dict[str, Any], content: Content) -> dict[str, Any]:
    mime_type = text_field(metadata, "mimeType") or row["mime_type"]
    if mime_type == FOLDER_TYPE:
        raise DriveError(403, "forbidden", "Folders have no content.")
    is_google = mime_type.startswith(GOOGLE_TYPE_PREFIX)
    if not is_google and "mimeType" not in metadata and content.mime_type not in (None, "", BINARY_TYPE, "*/*"):
        mime_type = content.mime_type or mime_type
    return {
        "mime_type": mime_type,
        "blob": content.blob,
        "size_bytes": None if is_google else content.size_bytes,
        "quota_bytes": 0 if is_google else content.size_bytes,
        "md5": None if is_google else content.md5,
        "sha1": None,
        "sha256": None if is_google else content.sha256,
        "full_text": _index_text(ledger, content, mime_type),
        "revision": "0B" + secrets.token_urlsafe(36),
    }


def _move(ledger: Ledger, caller: Caller, row: sqlite3.Row, query: dict[str, str]) -> None:
    all_drives = query.get("supportsAllDrives") == "true"
    added = [one for one in query.get("addParents", "").split(",") if one]
    removed = {
        account_of(ledger, caller.email)["root_id"] if one == "root" else one
        for one in query.get("removeParents", "").split(",")
    }
    if row["parent_id"] is None:
        raise insufficient_permissions(row["id"])
    if not added:
        if row["parent_id"] in removed:
            raise DriveError(
                403, "cannotRemoveLastParent", "A file must have a parent."
            )  # there are no orphans any more
        return
    if len(added) > 1:
        raise DriveError(403, "cannotAddParent", "Increasing the number of parents is not allowed")
    parent = find_parent(ledger, caller, added[0], all_drives=all_drives)
    if parent["id"] == row["parent_id"]:
        return
    if row["parent_id"] not in removed:
        raise DriveError(403, "cannotAddParent", "Increasing the number of parents is not allowed")
    below = ids_below(ledger, row["id"])
    if parent["id"] in below:
        raise DriveError(403, "cyclicMembershipsNotAllowed", "A folder cannot be moved into itself or below itself.")
    ledger.run("UPDATE files SET parent_id = ?, version = version + 1 WHERE id = ?", parent["id"], row["id"])
    if parent["drive_id"] != row["drive_id"]:
        owner = None if parent["drive_id"] is not None else caller.email
        ledger.run_many(
            "UPDATE files SET drive_id = ?, owner = ? WHERE id = ?", [(parent["drive_id"], owner, one) for one in below]
        )
    trash.spread_trash(ledger, row["id"])


def copy(
    ledger: Ledger, caller: Caller, row: sqlite3.Row, metadata: dict[str, Any], *, all_drives: bool
) -> sqlite3.Row:
    """A second file with the same content."""
    if row["mime_type"] == FOLDER_TYPE:
        raise DriveError(403, "cannotCopyFile", "This file cannot be copied by the user.")
    if row["mime_type"].startswith(GOOGLE_TYPE_PREFIX) and "id" in metadata:
        check_new_id(ledger, {**metadata, "mimeType": row["mime_type"]})
    content = Content(row["blob"] or "", row["size_bytes"] or 0, row["md5"] or "", row["sha256"], None)
    parent = row_of(ledger, row["parent_id"])
    may_stay = is_at_least(role_of(ledger, parent, caller.email), "writer")
    inherited = {
        "name": f"Copy of {row['name']}",
        "mimeType": row["mime_type"],
        "description": row["description"],
        "originalFilename": row["original_name"],
        "parents": [parent["id"] if may_stay else "root"],
    }
    return create(ledger, caller, {**inherited, **metadata}, content, all_drives=all_drives)
