"""Drive v3's words: the fields we ask for, entries from its JSON, and queries in which a name cannot say more than a name.

https://developers.google.com/workspace/drive/api/guides/search-files
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from telpher.drives.kinds import ARCHIVE_TYPES, DOCUMENT_PARTS, DOCUMENT_TYPES
from telpher.drives.port import (
    EVERYTHING,
    FOLDER_MIME_TYPE,
    Checksum,
    ChecksumKind,
    Entry,
    EntryId,
    EntryKind,
    Order,
    SearchFilter,
)

FIELDS = "id,name,mimeType,parents,size,modifiedTime,md5Checksum,sha256Checksum,webViewLink,trashed,starred"
LIST_FIELDS = f"nextPageToken,files({FIELDS})"

ORDER_BY = {
    Order.NAME: "folder,name_natural",
    Order.NEWEST: "folder,modifiedTime desc",
    Order.LARGEST: "folder,quotaBytesUsed desc",
}


STARRED = "starred = true and trashed = false"
RECENT = f"mimeType != '{FOLDER_MIME_TYPE}' and trashed = false"
RECENT_FIRST = "modifiedTime desc"


def quoted(text: str) -> str:
    """`text` as a string of the query language: `'` and `\\` are escaped."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def children_of(folder_id: str) -> str:
    """What lies in a folder."""
    return f"{quoted(folder_id)} in parents and trashed = false"


def containing(words: str, narrow: SearchFilter = EVERYTHING) -> str:
    """What has every word in its name or, where Google has read it, its content; empty without words."""
    conditions = [f"(name contains {quoted(word)} or fullText contains {quoted(word)})" for word in words.split()]
    if not conditions:
        return ""
    if narrow.kind is not None:
        conditions.append(_of_kind(narrow.kind))
    if narrow.changed_since is not None:
        conditions.append(f"modifiedTime >= {quoted(time_text(narrow.changed_since))}")
    return " and ".join([*conditions, "trashed = false"])


def _of_kind(kind: EntryKind) -> str:
    """The MIME types of a kind, as `telpher.drives.kinds` has them."""
    beginnings: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    match kind:
        case EntryKind.FOLDER:
            types = (FOLDER_MIME_TYPE,)
        case EntryKind.DOCUMENT:
            beginnings, types = ("text/", *DOCUMENT_PARTS), DOCUMENT_TYPES
        case EntryKind.ARCHIVE:
            types = ARCHIVE_TYPES
        case _:
            beginnings = (f"{kind.value}/",)
    parts = [f"mimeType contains {quoted(part)}" for part in beginnings]
    return f"({' or '.join([*parts, *(f'mimeType = {quoted(one)}' for one in types)])})"


def entry_from(resource: dict[str, Any]) -> Entry:
    """An entry from a files resource with FIELDS."""
    is_folder = resource["mimeType"] == FOLDER_MIME_TYPE
    parents = resource.get("parents") or [None]
    size, checksum = resource.get("size"), _checksum_of(resource)
    return Entry(
        id=EntryId(resource["id"]),
        name=resource["name"],
        parent_id=EntryId(parents[0]) if parents[0] else None,
        is_folder=is_folder,
        # Google Docs tell a size of what they take, but have no bytes of their own: those have a checksum.
        size_bytes=int(size) if size is not None and checksum is not None and not is_folder else None,
        mime_type=resource["mimeType"],
        modified_at=dt.datetime.fromisoformat(resource["modifiedTime"]).astimezone(dt.UTC),
        checksum=checksum,
        link=resource.get("webViewLink"),
        is_trashed=bool(resource.get("trashed")),
        is_starred=bool(resource.get("starred")),
    )


def _checksum_of(resource: dict[str, Any]) -> Checksum | None:
    """The strongest that is told: contents from before Google kept SHA-256 may have MD5 alone."""
    if sha256 := resource.get("sha256Checksum"):
        return Checksum(ChecksumKind.SHA256, sha256)
    md5 = resource.get("md5Checksum")
    return None if md5 is None else Checksum(ChecksumKind.MD5, md5)


def time_text(moment: dt.datetime) -> str:
    """RFC 3339 in UTC, to the millisecond that Drive keeps."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
