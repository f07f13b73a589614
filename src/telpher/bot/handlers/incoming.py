"""A file came: whatever its kind, it goes to the drive, and a receipt tells how."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from telegram import Message
from telegram.ext import filters

from telpher.actions.naming import FileKind, mime_type_of
from telpher.actions.path_template import FileFacts
from telpher.actions.save_file import Incoming, SaveAccepted
from telpher.bot import views
from telpher.bot.handlers import where
from telpher.bot.handlers.asked import Asked
from telpher.errors import BadInputError, FileTooBigError, LimitReachedError, LoginRequiredError

# An animation comes as a document too, so documents are looked for last.
_LOOKED_FOR = tuple(sorted(FileKind, key=lambda kind: kind is FileKind.DOCUMENT))


@dataclasses.dataclass(frozen=True)
class _Media:
    kind: FileKind
    file_id: str
    size_bytes: int | None
    mime_type: str | None = None
    name: str | None = None


async def file(asked: Asked) -> None:
    """Accept it, or say why not."""
    await carry(asked, asked.message, asked.message.caption)


async def carry(asked: Asked, message: Message, caption: str | None) -> bool:
    """Accept the file of `message`; False when it was refused. All that is said is said in `asked`'s chat."""
    media = _media_of(message)
    if media is None:
        await asked.answer(asked.texts.t("no_file.text"))
        return False
    incoming = Incoming(
        bot_id=asked.desk.identity.id,
        chat_id=message.chat.id,
        message_id=message.message_id,
        album_id=message.media_group_id,
        kind=media.kind,
        file_id=media.file_id,
        file_name=media.name,
        mime_type=media.mime_type,
        size_bytes=media.size_bytes,
        caption=caption,
        sent_at=_sent_at(message),
    )
    try:
        accepted = await _accept(asked, incoming, is_forwarded=message.forward_origin is not None)
    except (FileTooBigError, BadInputError, LimitReachedError, LoginRequiredError) as error:
        await asked.show(
            views.refused_file(asked.texts, media.name or "", error), reply_to=where.reply_to(asked, incoming)
        )
        return False
    if accepted is not None:
        await where.open_receipt(asked, incoming, accepted)
    return True


async def _accept(asked: Asked, incoming: Incoming, *, is_forwarded: bool) -> SaveAccepted | None:
    """None when the person is asked first where it shall go."""
    desk = asked.desk
    mime_type = mime_type_of(incoming.kind, incoming.mime_type, incoming.file_name)
    facts = FileFacts(incoming.kind, mime_type, incoming.sent_at.astimezone())
    destination, caption = await desk.browser.destinations.decide(
        asked.person.id, facts, incoming.caption, is_forwarded=is_forwarded, album_id=incoming.album_id
    )
    incoming = dataclasses.replace(incoming, caption=caption)
    if destination is None:
        await where.hold(asked, incoming)
        return None
    return await desk.save_file.request(asked.person.id, incoming, destination)


def _media_of(message: Message) -> _Media | None:
    """The file in a message; of a photo, its largest size."""
    for kind in _LOOKED_FOR:
        found: Any = getattr(message, kind.value)
        if not found:
            continue
        if kind is FileKind.PHOTO:
            found = max(found, key=lambda photo: (photo.width * photo.height, photo.file_size or 0))
        name = getattr(found, "file_name", None)
        mime_type = getattr(found, "mime_type", None)
        if kind is FileKind.AUDIO and not name:
            name = " – ".join(part for part in (found.performer, found.title) if part)
        if kind is FileKind.STICKER and (found.is_animated or found.is_video):
            mime_type = "application/x-tgsticker" if found.is_animated else "video/webm"
        return _Media(kind, found.file_id, found.file_size, mime_type, name or None)
    return None


class _CarriesFile(filters.MessageFilter):
    """The library's own filter also lets through what is none: polls, places, payments."""

    def filter(self, message: Message) -> bool:
        return has_file(message)


CARRIES_FILE = _CarriesFile()


def has_file(message: Message) -> bool:
    """Whether there is something in it to carry."""
    return any(getattr(message, kind.value, None) for kind in FileKind)


def _sent_at(message: Message) -> dt.datetime:
    """When it was first sent: a forwarded file keeps its time."""
    return message.forward_origin.date if message.forward_origin is not None else message.date
