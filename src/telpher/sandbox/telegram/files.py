"""The files that travel through chats: bytes on disk under the path that getFile answers, one record each, ids that never repeat."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.ledger import Json, Ledger
from telpher.sandbox.telegram.measures import measure
from telpher.sandbox.telegram.mime_types import mime_type_of


@dataclass(frozen=True)
class FileKind:
    """How Telegram files a kind: its folder, its id's first letters, and its name in error messages."""

    folder: str
    id_prefix: str
    title: str


KINDS = {
    "document": FileKind("documents", "BQACAgIAAxk", "Document"),
    "photo": FileKind("photos", "AgACAgIAAxk", "Photo"),
    "video": FileKind("videos", "BAACAgIAAxk", "Video"),
    "audio": FileKind("music", "CQACAgIAAxk", "Audio"),
    "voice": FileKind("voice", "AwACAgIAAxk", "VoiceNote"),
    "animation": FileKind("animations", "CgACAgIAAxk", "Animation"),
    "video_note": FileKind("video_notes", "DQACAgIAAxk", "VideoNote"),
    "sticker": FileKind("stickers", "CAACAgIAAxk", "Sticker"),
    "thumbnail": FileKind("thumbnails", "AAMCAgADGQE", "Thumbnail"),
}
_CHUNK_BYTES = 1 << 20
_FETCHED = "fetched"


@dataclass
class Upload:
    """A file that came with a request, already on disk until the request ends; filing it gives its bytes a place that stays."""

    path: Path
    name: str
    mime_type: str | None
    size_bytes: int

    def discard(self) -> None:
        """The request is over: what was not filed is gone."""
        self.path.unlink(missing_ok=True)


class FileDepot:
    """Files on disk and their records."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root = root.resolve()
        self._incoming = self.root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        for left_over in self._incoming.iterdir():
            left_over.unlink()
        self._ledger = ledger

    def new_incoming(self) -> Path:
        """A fresh path for a file that is still arriving."""
        return self._incoming / secrets.token_hex(16)

    def find(self, file_id: str) -> Json | None:
        """The record behind a file_id, or None."""
        return self._ledger.file(file_id)

    def find_at(self, file_path: str) -> Json | None:
        """The record behind a `file_path` (relative, or absolute as the local server gives it), or None."""
        root = f"{self.root}/"
        return self._ledger.file_at(file_path.removeprefix(root).removeprefix(f"{_FETCHED}/"))

    def path_of(self, record: Json) -> Path:
        """Where a record's bytes lie."""
        return self.root / str(record["file_path"])

    def fetched(self, record: Json) -> Path:
        """A local server's copy of a record's bytes: fetched anew when somebody has deleted it, and the same for all who ask meanwhile."""
        copy = self.root / _FETCHED / str(record["file_path"])
        copy.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            copy.hardlink_to(self.path_of(record))
        return copy

    def keep(self, upload: Upload, kind: str, **details: Any) -> Json:
        """File an upload as `kind`; `details` (duration, width, title, …) win over what its bytes say."""
        if upload.size_bytes == 0:
            raise bad_request("file must be non-empty")
        measured = measure(upload.path)
        if kind == "photo" and "width" not in measured:
            raise bad_request("IMAGE_PROCESS_FAILED")
        number = self._ledger.next_id("file")
        shape = KINDS[kind]
        suffix = Path(upload.name).suffix.lower()
        if not suffix.isascii() or not suffix[1:].isalnum() or len(suffix) > 12:
            suffix = ""
        file_path = f"{shape.folder}/file_{number}{suffix}"
        target = self.root / file_path
        target.parent.mkdir(exist_ok=True)
        # A second name for the same bytes, so that one upload may stand in several messages; the first name goes with the request.
        target.hardlink_to(upload.path)
        record: Json = {
            "file_id": _file_id(shape.id_prefix, number),
            "file_unique_id": _unique_id(shape.id_prefix, number),
            "file_path": file_path,
            "file_size": upload.size_bytes,
            "kind": kind,
            "file_name": upload.name,
            "mime_type": mime_type_of(upload.name, upload.mime_type),
            **measured,
            **{name: value for name, value in details.items() if value is not None},
        }
        self._ledger.put_file(record)
        return record

    def keep_photo(self, upload: Upload, copies: list[bytes]) -> Json:
        """File a photo with its smaller copies; each size is a file with an id of its own that leads to the whole."""
        photo = self.keep(upload, "photo")
        sizes = []
        for copy in copies:
            smaller = Upload(self.new_incoming(), "photo.jpg", "image/jpeg", len(copy))
            smaller.path.write_bytes(copy)
            record = self.keep(smaller, "photo", whole=photo["file_id"])
            smaller.discard()
            sizes.append({key: record[key] for key in (*_EVERY_FILE, *_FIELDS["photo"])})
        if sizes:
            photo["sizes"] = sizes
            self._ledger.put_file(photo)
        return photo


def _file_id(prefix: str, number: int) -> str:
    # As long and as opaque as the real ones; the number inside keeps it unique even if chance does not.
    return prefix + base64.urlsafe_b64encode(number.to_bytes(6, "big") + secrets.token_bytes(39)).decode().rstrip("=")


def _unique_id(prefix: str, number: int) -> str:
    return prefix[:2] + base64.urlsafe_b64encode(hashlib.sha256(f"{prefix}{number}".encode()).digest()[:9]).decode()


def write_chunks(path: Path, chunks: list[bytes]) -> None:
    """Append chunks to a file that is arriving; called in a thread, so that a slow disk does not stall the loop."""
    with path.open("ab") as out:
        out.writelines(chunks)


def as_media(record: Json) -> Any:
    """The Bot API object that a message shows for a stored file: a list of PhotoSize for a photo, else one object."""
    width, height = record.get("width", 0), record.get("height", 0)
    # Everything that some kind shows; each kind picks its fields (https://core.telegram.org/bots/api#available-types).
    whole = {
        **record,
        "width": width or _FALLBACK_SIDES.get(record["kind"], 0),
        "height": height or _FALLBACK_SIDES.get(record["kind"], 0),
        "duration": record.get("duration", 0),
        "length": record.get("length") or min(width, height) or _FALLBACK_SIDES["video_note"],
        "type": "regular",
        "is_animated": record["file_name"].endswith(".tgs"),
        "is_video": record["file_name"].endswith(".webm"),
    }
    media = {key: whole[key] for key in (*_EVERY_FILE, *_FIELDS[record["kind"]]) if key in whole}
    return [*record.get("sizes", []), media] if record["kind"] == "photo" else media


_EVERY_FILE = ("file_id", "file_unique_id", "file_size")
_FIELDS = {
    "document": ("file_name", "mime_type", "thumbnail"),
    "photo": ("width", "height"),
    "thumbnail": ("width", "height"),
    "video": ("width", "height", "duration", "file_name", "mime_type", "thumbnail"),
    "animation": ("width", "height", "duration", "file_name", "mime_type", "thumbnail"),
    "audio": ("duration", "file_name", "mime_type", "title", "performer", "thumbnail"),
    "voice": ("duration", "mime_type"),
    "video_note": ("length", "duration", "thumbnail"),
    "sticker": ("width", "height", "type", "is_animated", "is_video", "emoji"),
}
# What Telegram's own apps make of these kinds.
_FALLBACK_SIDES = {"sticker": 512, "video_note": 384}
