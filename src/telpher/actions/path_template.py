"""Path templates such as `{year}/{month}/{kind}`: read, checked, and turned into the names of folders. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import string
from collections.abc import Iterable, Mapping

from telpher.actions.naming import FileKind
from telpher.drives.kinds import kind_of
from telpher.drives.names import safe_name
from telpher.drives.port import EntryKind
from telpher.errors import BadInputError

FIELDS = ("year", "month", "day", "kind")

_TEXT_LIMIT = 200
_PARTS_LIMIT = 8
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "image": "Pictures", "video": "Videos", "audio": "Audio", "voice": "Voice messages", "document": "Documents",
        "archive": "Archives", "other": "Other",
    },
    "ru": {
        "image": "Фото", "video": "Видео", "audio": "Аудио", "voice": "Голосовые", "document": "Документы",
        "archive": "Архивы", "other": "Прочее",
    },
}  # fmt: skip
_OF_MESSAGE = {
    FileKind.PHOTO: "image",
    FileKind.STICKER: "image",
    FileKind.VIDEO: "video",
    FileKind.ANIMATION: "video",
    FileKind.VIDEO_NOTE: "video",
    FileKind.AUDIO: "audio",
    FileKind.VOICE: "voice",
}
_OF_CONTENT = {
    EntryKind.IMAGE: "image",
    EntryKind.VIDEO: "video",
    EntryKind.AUDIO: "audio",
    EntryKind.DOCUMENT: "document",
    EntryKind.ARCHIVE: "archive",
}
_HASHTAG = re.compile(r"(?:(?<=\s)|\A)#(?P<name>\w[\w-]*)")


class TemplateInvalidError(BadInputError):
    """No template: empty, too long, an unknown or broken `{field}`. Params: `part`, `fields`."""

    text_key = "error.template"


@dataclasses.dataclass(frozen=True)
class FolderPath:
    """Names of folders, one in the other: from the drive's top, or from the folder for new files."""

    names: tuple[str, ...]
    is_from_top: bool = False


@dataclasses.dataclass(frozen=True)
class FileFacts:
    """What a template may ask of a file."""

    kind: FileKind
    mime_type: str
    sent_at: dt.datetime
    """In the zone that the person should read."""


class PathTemplate:
    """A template that can be filled for any file."""

    def __init__(self, text: str) -> None:
        """Raises TemplateInvalidError."""
        self.text = " ".join(text.split())
        if len(self.text) > _TEXT_LIMIT:
            raise _invalid(f"{self.text[:20]}…")
        self._parts = [part.strip() for part in self.text.split("/") if part.strip(" .")]
        if not self._parts or len(self._parts) > _PARTS_LIMIT:
            raise _invalid(self.text[:20])
        for part in self._parts:
            _check(part)

    def fill(self, facts: FileFacts, language: str) -> FolderPath:
        """The folders for a file; `language` is that of the words for kinds."""
        values = {
            "year": f"{facts.sent_at:%Y}".zfill(4),
            "month": f"{facts.sent_at:%m}",
            "day": f"{facts.sent_at:%d}",
            "kind": kind_word(facts, language),
        }
        return folder_path([part.format_map(values) for part in self._parts], is_from_top=self.text.startswith("/"))


def kind_word(facts: FileFacts, language: str) -> str:
    """What the folder for such files is called."""
    word = _OF_MESSAGE.get(facts.kind) or _OF_CONTENT.get(kind_of(facts.mime_type) or EntryKind.FOLDER, "other")
    return _WORDS.get(language, _WORDS["en"])[word]


def folder_path(names: Iterable[str], *, is_from_top: bool = False) -> FolderPath:
    """Safe names; those of which nothing could stay are left out, so that none leads anywhere else."""
    return FolderPath(tuple(safe for safe in map(_safe, names) if safe), is_from_top)


def path_in_caption(caption: str | None) -> tuple[FolderPath | None, str | None]:
    """Where a caption sends its file, and what is left of it: `/Trips/Lisbon` as its first line, or `#Trips` anywhere in it."""
    text = (caption or "").strip()
    if text.startswith("/"):
        first, _, rest = text.partition("\n")
        return folder_path(first.split("/"), is_from_top=True), rest.strip() or None
    found = _HASHTAG.search(text)
    if found is None:
        return None, caption
    rest = f"{text[: found.start()].rstrip()} {text[found.end() :].lstrip()}".strip()
    return folder_path([found["name"]]), rest or None


def _safe(name: str) -> str:
    try:
        return safe_name(name, fallback="")
    except ValueError:
        return ""


def _check(part: str) -> None:
    try:
        fields = [
            (name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(part) if name is not None
        ]
    except ValueError:
        raise _invalid(part) from None
    for name, spec, conversion in fields:
        if name not in FIELDS or spec or conversion:
            raise _invalid(f"{{{name}}}")


def _invalid(part: str) -> TemplateInvalidError:
    return TemplateInvalidError("no template", part=part, fields=" ".join(f"{{{field}}}" for field in FIELDS))
