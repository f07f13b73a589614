"""Sending files: by upload, by attach:// name or again by file_id; albums; and getFile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from telpher.sandbox.telegram.arguments import ATTACHED
from telpher.sandbox.telegram.errors import ApiError, bad_request
from telpher.sandbox.telegram.files import KINDS, Upload, as_media
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.measures import measure
from telpher.sandbox.telegram.messages import bot_message, caption_content
from telpher.sandbox.telegram.methods.port import Method
from telpher.sandbox.telegram.thumbnails import smaller_copies
from telpher.sandbox.telegram.world import World

# What a request may say of a file beside its bytes.
_DETAILS = ("duration", "width", "height", "length", "title", "performer", "emoji")
_WITHOUT_CAPTION = frozenset({"sticker", "video_note"})


def file_content(world: World, kind: str, given: Upload | str, details: Json, thumbnail: Any = None) -> Json:
    """The message field(s) for a file of `kind`, filed if it was uploaded, found if it was named by file_id."""
    if isinstance(given, Upload):
        record = _filed(world, kind, given, details, thumbnail)
    elif given.startswith("file:/") and world.limits.is_local:
        record = _filed_from_this_disk(world, kind, given, details, thumbnail)
    else:
        record = _known(world, kind, given)
    media = as_media(record)
    if record["kind"] == "animation":
        # Kept by Telegram for old clients: https://core.telegram.org/bots/api#message, field `animation`.
        document = {key: media[key] for key in media if key not in {"duration", "width", "height"}}
        return {"animation": media, "document": document}
    return {record["kind"]: media}


def _filed(world: World, kind: str, upload: Upload, details: Json, thumbnail: Any) -> Json:
    if kind == "photo" and upload.size_bytes > world.limits.photo_bytes:
        raise bad_request("file is too big for a photo")
    if (
        kind == "document"
        and upload.name.lower().endswith(".gif")
        and not details.get("disable_content_type_detection")
    ):
        kind = "animation"
    wanted = {name: details[name] for name in _DETAILS if details.get(name) is not None}
    if isinstance(thumbnail, Upload) and "width" in measure(thumbnail.path):
        wanted["thumbnail"] = as_media(world.depot.keep(thumbnail, "thumbnail"))
    if kind != "photo":
        return world.depot.keep(upload, kind, **wanted)
    size = measure(upload.path)
    copies = smaller_copies(upload.path, size.get("width", 0), size.get("height", 0))
    return world.depot.keep_photo(upload, copies)


def _filed_from_this_disk(world: World, kind: str, address: str, details: Json, thumbnail: Any) -> Json:
    """A local server takes a path on its own disk instead of an upload (https://core.telegram.org/bots/api#using-a-local-bot-api-server)."""
    source = Path(unquote(urlsplit(address).path))
    if not source.is_file():
        raise bad_request("wrong file identifier/HTTP URL specified")
    upload = Upload(world.depot.new_incoming(), source.name, None, source.stat().st_size)
    try:
        shutil.copyfile(source, upload.path)
        return _filed(world, kind, upload, details, thumbnail)
    finally:
        upload.discard()


def _known(world: World, kind: str, given: str) -> Json:
    if given.startswith(ATTACHED):
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    if given.startswith(("http://", "https://")):
        # The sandbox is offline: it reaches no other host, and says so as Telegram does of an address that it cannot fetch.
        raise bad_request("failed to get HTTP URL content")
    record = world.depot.find(given)
    if record is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    # Any size of a photo stands for the photo.
    record = world.depot.find(record.get("whole", given)) or record
    is_same = record["kind"] == kind or {record["kind"], kind} == {"animation", "document"}
    if not is_same:
        raise bad_request(f"can't use file of type {KINDS[record['kind']].title} as {KINDS[kind].title}")
    return record


def _sender(kind: str) -> Method:
    def send(world: World, args: Json) -> Json:
        chat = world.chat_to_write_to(args["chat_id"])
        caption = {} if kind in _WITHOUT_CAPTION else caption_content(args)
        content = file_content(world, kind, args[kind], args, args.get("thumbnail"))
        if args.get("has_spoiler") and kind in {"photo", "video", "animation"}:
            content["has_media_spoiler"] = True
        return bot_message(world, chat, {**content, **caption}, args)

    return send


def send_media_group(world: World, args: Json) -> list[Json]:
    """An album of 2–10: photos and videos together, documents or audio among themselves."""
    items = args["media"]
    if not isinstance(items, list) or not items:
        raise bad_request("expected an Array of InputMedia")
    if len(items) > 10:
        raise bad_request("too many messages to send as an album")
    if not all(isinstance(item, dict) for item in items):
        raise bad_request("can't parse InputMedia: expected an Object")
    kinds = [item.get("type") for item in items]
    for kind in kinds:
        if kind not in {"photo", "video", "document", "audio"}:
            why = "can't be used in sendMediaGroup" if kind in KINDS else "is unsupported"
            raise bad_request(f'can\'t parse InputMedia: type "{kind or ""}" {why}')
    if ("document" in kinds or "audio" in kinds) and len(set(kinds)) > 1:
        raise bad_request(f"{'document' if 'document' in kinds else 'audio'} can't be mixed with other media types")
    chat = world.chat_to_write_to(args["chat_id"])
    captions = [caption_content(item) for item in items]
    contents = [media_content(world, item, args) for item in items]
    group_id = {"media_group_id": world.next_album_id()} if len(items) > 1 else {}
    return [
        bot_message(world, chat, {**group_id, **content, **caption}, args)
        for content, caption in zip(contents, captions, strict=True)
    ]


def media_content(world: World, item: Json, args: Json) -> Json:
    """The message fields of one InputMedia."""
    kind, given = item.get("type"), _attached(item.get("media"), args)
    if not given:
        raise bad_request("can't parse InputMedia: media not found")
    if kind not in {"photo", "video", "document", "audio", "animation"}:
        raise bad_request(f'can\'t parse InputMedia: type "{kind or ""}" is unsupported')
    content = file_content(world, str(kind), given, item, _attached(item.get("thumbnail"), args))
    if item.get("has_spoiler"):
        content["has_media_spoiler"] = True
    return content


def _attached(named: Any, args: Json) -> Upload | str | None:
    """The upload that an attach:// name means; None when there is none; any other text as it is."""
    if not isinstance(named, str) or not named.startswith(ATTACHED):
        return named if isinstance(named, str) else None
    found: Upload | None = args.get(ATTACHED, {}).get(named.removeprefix(ATTACHED))
    return found


def get_file(world: World, args: Json) -> Json:
    """Where to download a file: a path below `/file/bot<token>/`, or on the local server an absolute path on its disk."""
    record = world.depot.find(args["file_id"])
    if record is None:
        raise bad_request("invalid file_id")
    limit_bytes = world.limits.download_bytes
    if limit_bytes is not None and record["file_size"] > limit_bytes:
        raise bad_request("file is too big")
    path = world.depot.path_of(record)
    if not path.exists():
        raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
    return {
        **{key: record[key] for key in ("file_id", "file_unique_id", "file_size")},
        "file_path": str(world.depot.fetched(record)) if world.limits.is_local else record["file_path"],
    }


METHODS: dict[str, Method] = {
    "sendDocument": _sender("document"),
    "sendPhoto": _sender("photo"),
    "sendVideo": _sender("video"),
    "sendAudio": _sender("audio"),
    "sendVoice": _sender("voice"),
    "sendAnimation": _sender("animation"),
    "sendVideoNote": _sender("video_note"),
    "sendSticker": _sender("sticker"),
    "sendMediaGroup": send_media_group,
    "getFile": get_file,
}
