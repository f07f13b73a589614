"""A file's MIME type by its name, the same on every machine: the system's own lists are not asked."""

from __future__ import annotations

import mimetypes

_MORE = {
    "image/webp": (".webp",),
    "image/heic": (".heic",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/flac": (".flac",),
    "audio/mp4": (".m4a",),
    "video/x-matroska": (".mkv",),
    "video/webm": (".webm",),
    "application/x-tgsticker": (".tgs",),
    "application/x-7z-compressed": (".7z",),
    "application/gzip": (".gz",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (".pptx",),
    "application/epub+zip": (".epub",),
    "text/markdown": (".md",),
}
_TYPES = mimetypes.MimeTypes()
for _kind, _endings in _MORE.items():
    for _ending in _endings:
        _TYPES.add_type(_kind, _ending)


def mime_type_of(name: str, declared: str | None) -> str:
    """What the name's ending says; as Telegram does, it is believed before what the client declares."""
    guessed, encoding = _TYPES.guess_type(name)
    if encoding == "gzip":
        return "application/gzip"
    return guessed or declared or "application/octet-stream"
