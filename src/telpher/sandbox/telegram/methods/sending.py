"""Sending what is not a file: text, contacts, places, dice; forwarding and copying; chat actions."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.messages import bot_message, caption_content, text_content
from telpher.sandbox.telegram.methods.port import Method
from telpher.sandbox.telegram.world import World

_ACTIONS = frozenset(
    {
        "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "record_audio", "upload_audio",
        "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note", "cancel",
    }
)  # fmt: skip
_DICE_FACES = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}
# What a copy or a forward takes along; the rest belongs to the message itself.
_CONTENT = (
    "text", "entities", "link_preview_options", "caption", "caption_entities", "show_caption_above_media", "document", "photo", "video",
    "audio", "voice", "animation", "video_note", "sticker", "contact", "location", "venue", "dice",
)  # fmt: skip


def send_message(world: World, args: Json) -> Json:
    """A text message."""
    content = text_content(args)
    return bot_message(world, world.chat_to_write_to(args["chat_id"]), content, args)


def send_chat_action(world: World, args: Json) -> bool:
    """Show that the bot is busy; nothing is stored in the chat."""
    if args["action"] not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = world.chat_to_write_to(args["chat_id"])
    world.events.add(
        world.people_in(chat["id"]), {"type": "chat_action", "action": args["action"], "chat_id": chat["id"]}
    )
    return True


def send_contact(world: World, args: Json) -> Json:
    """A contact card."""
    fields = ("phone_number", "first_name", "last_name", "vcard")
    contact = {field: args[field] for field in fields if field in args}
    return bot_message(world, world.chat_to_write_to(args["chat_id"]), {"contact": contact}, args)


def send_location(world: World, args: Json) -> Json:
    """A point on the map."""
    return bot_message(world, world.chat_to_write_to(args["chat_id"]), {"location": _location(args)}, args)


def send_venue(world: World, args: Json) -> Json:
    """A place with a name."""
    fields = ("foursquare_id", "foursquare_type", "google_place_id", "google_place_type")
    venue = {
        "location": _location(args),
        "title": args["title"],
        "address": args["address"],
        **{field: args[field] for field in fields if field in args},
    }
    content = {"venue": venue, "location": venue["location"]}
    return bot_message(world, world.chat_to_write_to(args["chat_id"]), content, args)


def _location(args: Json) -> Json:
    if not -90 <= args["latitude"] <= 90 or not -180 <= args["longitude"] <= 180:
        raise bad_request("wrong location specified")
    return {"latitude": args["latitude"], "longitude": args["longitude"]}


def send_dice(world: World, args: Json) -> Json:
    """A die that the server rolls."""
    emoji = args.get("emoji") or "🎲"
    if emoji not in _DICE_FACES:
        raise bad_request("wrong dice emoji specified")
    dice = {"emoji": emoji, "value": secrets.randbelow(_DICE_FACES[emoji]) + 1}
    return bot_message(world, world.chat_to_write_to(args["chat_id"]), {"dice": dice}, args)


def _source_message(world: World, args: Json, message_id: int, verb: str) -> Json:
    source = world.chat_for_bot(args["from_chat_id"])
    message = world.ledger.message(source["id"], message_id)
    if message is None:
        raise bad_request(f"message to {verb} not found")
    if message.get("has_protected_content"):
        raise bad_request(f"message can't be {'copied' if verb == 'copy' else 'forwarded'}")
    return message


def content_of(message: Json) -> Json:
    """What a message says, apart from who said it, when and to whom."""
    return {field: message[field] for field in _CONTENT if field in message}


def forward_content(message: Json) -> Json:
    """A message's content with where it comes from; a forward of a forward keeps the first origin."""
    origin = message.get("forward_origin") or {"type": "user", "sender_user": message["from"], "date": message["date"]}
    return {"forward_origin": origin, **content_of(message)}


def forward_message(world: World, args: Json) -> Json:
    """Forward one message with its origin."""
    message = _source_message(world, args, args["message_id"], "forward")
    return bot_message(world, world.chat_to_write_to(args["chat_id"]), forward_content(message), args)


def copy_message(world: World, args: Json) -> Json:
    """Send the same content again; a `caption` given replaces the old one."""
    message = _source_message(world, args, args["message_id"], "copy")
    content = content_of(message)
    if "caption" in args and "text" not in content:
        for field in ("caption", "caption_entities", "show_caption_above_media"):
            content.pop(field, None)
        content |= caption_content(args)
    sent = bot_message(world, world.chat_to_write_to(args["chat_id"]), content, args)
    return {"message_id": sent["message_id"]}


def _several(world: World, args: Json, verb: str, one: Callable[[World, Json], Json]) -> list[Json]:
    ids: Any = args["message_ids"]
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100 or not all(isinstance(number, int) for number in ids):
        raise bad_request(
            "message identifiers are not specified" if not ids else "too many message identifiers specified"
        )
    source = world.chat_for_bot(args["from_chat_id"])
    known = [number for number in ids if world.ledger.message(source["id"], number) is not None]
    if not known:
        raise bad_request(f"messages to {verb} not found" if len(ids) > 1 else f"message to {verb} not found")
    return [{"message_id": one(world, {**args, "message_id": number})["message_id"]} for number in known]


def forward_messages(world: World, args: Json) -> list[Json]:
    """Forward several; those that are gone are left out."""
    return _several(world, args, "forward", forward_message)


def copy_messages(world: World, args: Json) -> list[Json]:
    """Copy several; those that are gone are left out."""
    return _several(world, args, "copy", copy_message)


METHODS: dict[str, Method] = {
    "sendMessage": send_message,
    "sendChatAction": send_chat_action,
    "sendContact": send_contact,
    "sendLocation": send_location,
    "sendVenue": send_venue,
    "sendDice": send_dice,
    "forwardMessage": forward_message,
    "forwardMessages": forward_messages,
    "copyMessage": copy_message,
    "copyMessages": copy_messages,
}
