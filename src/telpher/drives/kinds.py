"""Which kind of thing an entry is, by its MIME type: the same answer for every drive's search and every icon."""

from __future__ import annotations

from telpher.drives.port import FOLDER_MIME_TYPE, EntryKind

_MEDIA = {"image": EntryKind.IMAGE, "video": EntryKind.VIDEO, "audio": EntryKind.AUDIO, "text": EntryKind.DOCUMENT}

DOCUMENT_TYPES = (
    "application/pdf",
    "application/rtf",
    "application/msword",
    "application/epub+zip",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.google-apps.document",
    "application/vnd.google-apps.spreadsheet",
    "application/vnd.google-apps.presentation",
)
DOCUMENT_PARTS = ("application/vnd.openxmlformats-officedocument", "application/vnd.oasis.opendocument")
"""What the types of Microsoft's and OpenDocument's files begin with."""

ARCHIVE_TYPES = (
    "application/zip",
    "application/x-zip-compressed",
    "application/x-tar",
    "application/gzip",
    "application/x-gzip",
    "application/x-compressed-tar",
    "application/x-bzip",
    "application/x-bzip2",
    "application/x-xz",
    "application/zstd",
    "application/x-7z-compressed",
    "application/vnd.rar",
    "application/x-rar-compressed",
)


def kind_of(mime_type: str) -> EntryKind | None:
    """None for what is of no kind that people look for."""
    mime_type = mime_type.lower()
    if mime_type == FOLDER_MIME_TYPE:
        return EntryKind.FOLDER
    if mime_type in ARCHIVE_TYPES:
        return EntryKind.ARCHIVE
    if mime_type in DOCUMENT_TYPES or mime_type.startswith(DOCUMENT_PARTS):
        return EntryKind.DOCUMENT
    return _MEDIA.get(mime_type.partition("/")[0])
