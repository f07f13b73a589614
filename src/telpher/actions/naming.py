"""What an incoming file is called in the drive: its caption's first line, else its own name, else its kind and time."""

from __future__ import annotations

import datetime as dt
import enum
import mimetypes
from collections.abc import Mapping
from pathlib import PurePosixPath

from telpher.drives.names import safe_name


class FileKind(enum.StrEnum):
    """As what a file was sent."""

    DOCUMENT = "document"
    PHOTO = "photo"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"
    ANIMATION = "animation"
    VIDEO_NOTE = "video_note"
    STICKER = "sticker"


_WORDS: Mapping[str, Mapping[FileKind, str]] = {
    "en": {
        FileKind.DOCUMENT: "file", FileKind.PHOTO: "photo", FileKind.VIDEO: "video", FileKind.AUDIO: "audio",
        FileKind.VOICE: "voice message", FileKind.ANIMATION: "animation", FileKind.VIDEO_NOTE: "video message",
        FileKind.STICKER: "sticker",
    },
    "ru": {
        FileKind.DOCUMENT: "файл", FileKind.PHOTO: "фото", FileKind.VIDEO: "видео", FileKind.AUDIO: "аудио",
        FileKind.VOICE: "голосовое сообщение", FileKind.ANIMATION: "анимация", FileKind.VIDEO_NOTE: "видеосообщение",
        FileKind.STICKER: "стикер",
    },
}  # fmt: skip
_MIME_TYPES = {
    FileKind.PHOTO: "image/jpeg",
    FileKind.VIDEO: "video/mp4",
    FileKind.AUDIO: "audio/mpeg",
    FileKind.VOICE: "audio/ogg",
    FileKind.ANIMATION: "video/mp4",
    FileKind.VIDEO_NOTE: "video/mp4",
    FileKind.STICKER: "image/webp",
}
# `mimetypes` depends on the machine's tables; what Telegram sends most is the same everywhere.
_SUFFIXES = {
    "application/x-tgsticker": ".tgs",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "text/plain": ".txt",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}
_CAPTION_LIMIT = 120
_SUFFIX_LIMIT = 12


def mime_type_of(kind: FileKind, stated: str | None, file_name: str | None = None) -> str:
    """The type that Telegram stated, else what the name or the kind says."""
    if stated:
        return stated
    guessed = mimetypes.guess_type(file_name)[0] if file_name else None
    return guessed or _MIME_TYPES.get(kind, "application/octet-stream")


def name_of(
    kind: FileKind,
    file_name: str | None,
    mime_type: str,
    caption: str | None,
    sent_at: dt.datetime,
    *,
    language: str = "en",
) -> str:
    """A safe name. `sent_at` is aware and already in the zone that the person should read, `language` that of the word for a kind."""
    own = _last_part(file_name or "")
    suffix = _suffix(own) or _SUFFIXES.get(mime_type.lower()) or mimetypes.guess_extension(mime_type) or ""
    plain = f"{_WORDS.get(language, _WORDS['en'])[kind]} {sent_at:%Y-%m-%d %H-%M-%S}{suffix}"
    title = _first_line(caption)
    if title:
        return safe_name(title if title.lower().endswith(suffix.lower()) else title + suffix, fallback=plain)
    if own.strip(". \t"):
        return safe_name(own if _suffix(own) or kind is FileKind.DOCUMENT else own + suffix, fallback=plain)
    return safe_name(plain, fallback=plain)


def keep_suffix(new_name: str, old_name: str) -> str:
    """`new_name` with the old name's extension, unless it has one of its own."""
    new_name = new_name.strip()
    return new_name if _suffix(new_name) else new_name + _suffix(old_name)


def _suffix(name: str) -> str:
    """The extension with its dot; "" where what follows the last dot does not look like one (`v. 2`, `Dr.Who and friends`)."""
    suffix = PurePosixPath(name).suffix
    is_likely = 2 <= len(suffix) <= _SUFFIX_LIMIT and suffix[1:].isalnum() and not suffix[1:].isdigit()
    return suffix if is_likely else ""


def _last_part(file_name: str) -> str:
    """A sender may claim any path; only what follows the last separator is a name."""
    return file_name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _first_line(caption: str | None) -> str:
    line = next((line.strip() for line in (caption or "").splitlines() if line.strip()), "")
    if len(line) <= _CAPTION_LIMIT:
        return line
    cut = line[:_CAPTION_LIMIT]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:–—-")
