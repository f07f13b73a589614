"""Changing and removing messages that were sent."""

from __future__ import annotations

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.files import KINDS
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.messages import caption_content, edited, message_to_edit, removed, text_content
from telpher.sandbox.telegram.methods.media import media_content
from telpher.sandbox.telegram.methods.port import Method
from telpher.sandbox.telegram.world import World

_TEXT = frozenset({"text", "entities", "link_preview_options"})
_CAPTION = frozenset({"caption", "caption_entities", "show_caption_above_media"})
_MEDIA = frozenset({*KINDS, "has_media_spoiler"})
_CAPTIONED = frozenset({"document", "photo", "video", "audio", "voice", "animation"})
# https://core.telegram.org/bots/api#deletemessage: a bot may delete what is at most 48 hours old.
_DELETABLE_S = 48 * 3600


def edit_message_text(world: World, args: Json) -> Json:
    """Replace a text message's text; leaving the keyboard out removes it."""
    content = text_content(args)
    message = message_to_edit(world, args)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return edited(world, message, content, args, replaces=_TEXT)


def edit_message_caption(world: World, args: Json) -> Json:
    """Replace or remove a file's caption."""
    content = caption_content(args)
    message = message_to_edit(world, args)
    if not _CAPTIONED & set(message):
        raise bad_request("there is no caption in the message to edit")
    return edited(world, message, content, args, replaces=_CAPTION)


def edit_message_reply_markup(world: World, args: Json) -> Json:
    """Replace or remove the inline keyboard alone."""
    return edited(world, message_to_edit(world, args), {}, args, replaces=frozenset())


def edit_message_media(world: World, args: Json) -> Json:
    """Put another file in a message's place; members of an album keep to kinds that may stand together."""
    item = args["media"]
    if not isinstance(item, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    message = message_to_edit(world, args)
    if "sticker" in message or "video_note" in message:
        raise bad_request("message can't be edited")
    if "media_group_id" in message and not _fits_album(message, item):
        raise bad_request("MEDIA_GROUPED_INVALID")
    content = {**media_content(world, item, args), **caption_content(item)}
    return edited(world, message, content, args, replaces=_TEXT | _CAPTION | _MEDIA)


def _fits_album(message: Json, item: Json) -> bool:
    for kinds in ({"photo", "video"}, {"document"}, {"audio"}):
        if kinds & set(message):
            return item.get("type") in kinds
    return False


def _delete(world: World, chat_id: int, message_id: int) -> None:
    message = world.ledger.message(chat_id, message_id)
    if message is None:
        raise bad_request("message to delete not found")
    if world.now() - message["date"] > _DELETABLE_S:
        raise bad_request("message can't be deleted")
    removed(world, chat_id, message_id)


def delete_message(world: World, args: Json) -> bool:
    """Remove one message that is at most 48 hours old."""
    _delete(world, world.chat_for_bot(args["chat_id"])["id"], args["message_id"])
    return True


def delete_messages(world: World, args: Json) -> bool:
    """Remove several; those that are gone are left out."""
    ids = args["message_ids"]
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100 or not all(isinstance(number, int) for number in ids):
        raise bad_request(
            "message identifiers are not specified" if not ids else "too many message identifiers specified"
        )
    chat = world.chat_for_bot(args["chat_id"])
    for number in ids:
        if world.ledger.message(chat["id"], number) is not None:
            _delete(world, chat["id"], number)
    return True


METHODS: dict[str, Method] = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "editMessageMedia": edit_message_media,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
