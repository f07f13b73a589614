"""What a person's app does before it sends: guesses the kind of a file and reads the caption's commands and addresses."""

from __future__ import annotations

from collections.abc import Sequence

from telpher.sandbox.telegram.entities import formatted
from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.files import KINDS, Upload
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.measures import measure
from telpher.sandbox.telegram.messages import LONGEST_CAPTION
from telpher.sandbox.telegram.methods.media import file_content
from telpher.sandbox.telegram.mime_types import mime_type_of
from telpher.sandbox.telegram.utf16 import utf16_len
from telpher.sandbox.telegram.world import World

_PHOTO_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
_AUDIO_TYPES = frozenset(
    {"audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/flac", "audio/ogg", "audio/x-flac"}
)
# What may stand together in one album: https://core.telegram.org/bots/api#sendmediagroup
_FAMILIES = {"pictures": {"photo", "video"}, "documents": {"document"}, "music": {"audio"}}
_LARGEST_ALBUM = 10
_VIDEO_TYPES = frozenset({"video/mp4", "video/quicktime"})


def guess_kind(upload: Upload) -> str:
    """Pictures that can be read go as photos, films as videos, music as audio, GIFs as animations, all else as documents."""
    mime_type = mime_type_of(upload.name, upload.mime_type)
    if mime_type == "image/gif":
        return "animation"
    if mime_type in _VIDEO_TYPES:
        return "video"
    if mime_type in _AUDIO_TYPES:
        return "audio"
    if mime_type in _PHOTO_TYPES and upload.size_bytes <= 10 * 1024 * 1024 and "width" in measure(upload.path):
        return "photo"
    return "document"


def album_sizes(contents: Sequence[Json]) -> list[int]:
    """How many of the files, in order, go together: neighbours of one family, at most ten; 1 stands for a message of its own."""
    sizes: list[int] = []
    last: str | None = None
    for content in contents:
        family = next(
            (name for name, kinds in _FAMILIES.items() if kinds & set(content) and "animation" not in content), None
        )
        if family is not None and family == last and sizes[-1] < _LARGEST_ALBUM:
            sizes[-1] += 1
        else:
            sizes.append(1)
        last = family
    return sizes


def person_file(world: World, upload: Upload, kind: str) -> Json:
    """The message field(s) of a file that a person sends as `kind`."""
    if kind not in KINDS or kind == "thumbnail":
        raise bad_request(f"there is no kind of file called {kind}")
    return file_content(world, kind, upload, {"disable_content_type_detection": kind == "document"})


def person_caption(text: str) -> Json:
    """`caption` and its entities, or nothing."""
    caption, entities = formatted(text, None, None)
    if utf16_len(caption) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    if not caption:
        return {}
    return {"caption": caption, **({"caption_entities": entities} if entities else {})}
