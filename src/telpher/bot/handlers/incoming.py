"""A file came: whatever its kind, it goes to the drive, and a receipt tells how."""

from __future__ import annotations

import dataclasses
import datetime as dt

from telegram import Message

from telpher.actions.naming import FileKind
from telpher.actions.save_file import Incoming
from telpher.bot import views
from telpher.bot.handlers.asked import Asked
from telpher.bot.receipt_book import ReceiptView
from telpher.errors import BadInputError, FileTooBigError, LoginRequiredError


@dataclasses.dataclass(frozen=True)
class _Media:
    kind: FileKind
    file_id: str
    size_bytes: int | None
    mime_type: str | None = None
    name: str | None = None


async def file(asked: Asked) -> None:
    """Accept it, or say why not."""
    message = asked.message
    media = _media_of(message)
    if media is None:
        await asked.answer(asked.texts.t("no_file.text"))
        return
    incoming = Incoming(
        bot_id=asked.desk.identity.id,
        chat_id=asked.chat_id,
        message_id=message.message_id,
        album_id=message.media_group_id,
        kind=media.kind,
        file_id=media.file_id,
        file_name=media.name,
        mime_type=media.mime_type,
        size_bytes=media.size_bytes,
        caption=message.caption,
        sent_at=_sent_at(message),
    )
    try:
        accepted = await asked.desk.save_file.request(asked.person.id, incoming)
    except (FileTooBigError, BadInputError, LoginRequiredError) as error:
        await asked.show(views.refused_file(asked.texts, media.name or "", error), reply_to=message.message_id)
        return
    key = f"save:{asked.desk.identity.id}:{asked.chat_id}:{incoming.album_id or message.message_id}"
    await asked.desk.receipts.open(
        key, ReceiptView.SAVE, accepted.job, chat_id=asked.chat_id, reply_to=message.message_id
    )


def _media_of(message: Message) -> _Media | None:
    """The file in a message. An animation comes as a document too, so it is looked for first."""
    if (animation := message.animation) is not None:
        return _Media(
            FileKind.ANIMATION, animation.file_id, animation.file_size, animation.mime_type, animation.file_name
        )
    if message.photo:
        largest = max(message.photo, key=lambda photo: (photo.width * photo.height, photo.file_size or 0))
        return _Media(FileKind.PHOTO, largest.file_id, largest.file_size)
    if (video := message.video) is not None:
        return _Media(FileKind.VIDEO, video.file_id, video.file_size, video.mime_type, video.file_name)
    if (audio := message.audio) is not None:
        title = " – ".join(part for part in (audio.performer, audio.title) if part)
        return _Media(FileKind.AUDIO, audio.file_id, audio.file_size, audio.mime_type, audio.file_name or title or None)
    if (voice := message.voice) is not None:
        return _Media(FileKind.VOICE, voice.file_id, voice.file_size, voice.mime_type)
    if (note := message.video_note) is not None:
        return _Media(FileKind.VIDEO_NOTE, note.file_id, note.file_size)
    if (sticker := message.sticker) is not None:
        moving = "application/x-tgsticker" if sticker.is_animated else "video/webm" if sticker.is_video else None
        return _Media(FileKind.STICKER, sticker.file_id, sticker.file_size, moving)
    if (document := message.document) is not None:
        return _Media(FileKind.DOCUMENT, document.file_id, document.file_size, document.mime_type, document.file_name)
    return None


def _sent_at(message: Message) -> dt.datetime:
    """When it was first sent: a forwarded file keeps its time."""
    return message.forward_origin.date if message.forward_origin is not None else message.date
