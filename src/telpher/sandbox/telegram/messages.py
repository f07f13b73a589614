"""Messages: how one comes to be, is answered to, changed and removed, and who is told of it."""

from __future__ import annotations

import re

from telpher.sandbox.telegram.entities import formatted
from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.keyboards import checked_markup
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.utf16 import utf16_len
from telpher.sandbox.telegram.world import World

_ENTITIES = frozenset({"entities", "caption_entities"})
_USER_LINK = re.compile(r"tg://user/?\?id=(\d{1,18})")
LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024


def text_content(args: Json) -> Json:
    """`text` with `entities` (and link preview) from a method's arguments; raises 400 when empty, too long or badly marked up."""
    if not args.get("text"):
        raise bad_request("message text is empty")
    text, entities = formatted(args["text"], args.get("parse_mode"), args.get("entities"))
    if not text:
        raise bad_request("text must be non-empty")
    if utf16_len(text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    preview = args.get("link_preview_options")
    if preview is None and args.get("disable_web_page_preview") is True:
        preview = {"is_disabled": True}
    if preview:
        content["link_preview_options"] = preview
    return content


def caption_content(args: Json) -> Json:
    """`caption` with `caption_entities` from a method's arguments, or nothing; raises 400 when too long or badly marked up."""
    if not args.get("caption"):
        return {}
    caption, entities = formatted(args["caption"], args.get("parse_mode"), args.get("caption_entities"))
    if utf16_len(caption) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    if not caption:
        return {}
    content: Json = {"caption": caption}
    if entities:
        content["caption_entities"] = entities
    if args.get("show_caption_above_media"):
        content["show_caption_above_media"] = True
    return content


def with_mentions(world: World, content: Json) -> Json:
    """Links of the form tg://user?id=… become mentions of people whom the bot knows, and plain text for all others."""
    return {
        field: [found for entity in value if (found := _mention(world, entity))] if field in _ENTITIES else value
        for field, value in content.items()
    }


def _mention(world: World, entity: Json) -> Json | None:
    match = _USER_LINK.fullmatch(entity.get("url", ""))
    if match is None:
        return entity
    user = world.user(int(match[1]))
    place = {"offset": entity["offset"], "length": entity["length"]}
    return None if user is None else {**place, "type": "text_mention", "user": user}


def without_reply(message: Json) -> Json:
    """A message as it stands inside another one: replies do not nest."""
    return {key: value for key, value in message.items() if key not in {"reply_to_message", "external_reply"}}


def reply_content(world: World, chat: Json, args: Json) -> Json:
    """What a reply adds to a message, from `reply_parameters` or its older spelling."""
    parameters = args.get("reply_parameters")
    if parameters is None:
        if not (reply_to := args.get("reply_to_message_id")):
            return {}
        parameters = {"message_id": reply_to, "allow_sending_without_reply": args.get("allow_sending_without_reply")}
    if not isinstance(parameters, dict) or not isinstance(parameters.get("message_id"), int):
        raise bad_request("can't parse reply parameters: Can't find field \"message_id\"")
    replied = world.ledger.message(_chat_id_of(parameters, chat), parameters["message_id"])
    if replied is None:
        if parameters.get("allow_sending_without_reply"):
            return {}
        raise bad_request("message to be replied not found")
    content: Json = {"reply_to_message": without_reply(replied)}
    if quote := parameters.get("quote"):
        text, entities = formatted(quote, parameters.get("quote_parse_mode"), parameters.get("quote_entities"))
        position = (replied.get("text") or replied.get("caption") or "").find(text)
        if position < 0:
            raise bad_request("QUOTE_TEXT_INVALID")
        content["quote"] = {
            "text": text,
            "position": position,
            "is_manual": True,
            **({"entities": entities} if entities else {}),
        }
    return content


def _chat_id_of(parameters: Json, chat: Json) -> int:
    named = parameters.get("chat_id", chat["id"])
    return named if isinstance(named, int) else int(chat["id"])


def bot_message(world: World, chat: Json, content: Json, args: Json) -> Json:
    """Send `content` as the bot with the arguments that all send methods share; answers the stored message."""
    reply = reply_content(world, chat, args)
    markup = checked_markup(args.get("reply_markup"))
    message: Json = {
        "message_id": world.ledger.next_id("message"),
        "from": world.bot_user(),
        "chat": chat,
        "date": world.now(),
        **reply,
        **with_mentions(world, content),
    }
    if args.get("protect_content"):
        message["has_protected_content"] = True
    keyboard = None
    if markup is not None:
        if "inline_keyboard" in markup:
            message["reply_markup"] = markup
        else:
            keyboard = markup
    world.ledger.put_message(message)
    _tell(world, "message", message, keyboard)
    return message


def person_message(world: World, user: Json, chat: Json, content: Json) -> Json:
    """Send `content` as a person: stored, shown in the chat's windows, and queued for the bot if it may read it."""
    message: Json = {
        "message_id": world.ledger.next_id("message"),
        "from": user,
        "chat": chat,
        "date": world.now(),
        **content,
    }
    with world.ledger.together():
        world.ledger.put_message(message)
        _tell(world, "message", message, None)
        if _is_for_bot(world, message):
            world.updates.add("message", message)
    return message


def _is_for_bot(world: World, message: Json) -> bool:
    """In groups a bot in privacy mode gets commands, mentions and replies to itself (https://core.telegram.org/bots/features#privacy-mode)."""
    if world.ledger.fact("blocked", message["chat"]["id"]):
        return False
    if message["chat"]["type"] == "private" or world.profile.reads_all_group_messages:
        return True
    text = message.get("text") or message.get("caption") or ""
    replied = message.get("reply_to_message", {}).get("from", {}).get("id")
    return text.startswith("/") or f"@{world.profile.username}" in text or replied == world.profile.id


def _tell(world: World, kind: str, message: Json, keyboard: Json | None) -> None:
    people = world.people_in(message["chat"]["id"])
    event: Json = {"type": kind, "message": message}
    if keyboard is not None:
        event["reply_keyboard"] = keyboard
        for user_id in people:
            world.ledger.set_fact("keyboard", user_id, None if keyboard.get("remove_keyboard") else keyboard)
    world.events.add(people, event)


def message_to_edit(world: World, args: Json) -> Json:
    """The bot's own message that an edit method names, or Telegram's refusal."""
    if "inline_message_id" in args:
        raise bad_request("message to edit not found")
    if "chat_id" not in args:
        raise bad_request("chat_id is empty")
    if "message_id" not in args:
        raise bad_request("message identifier is not specified")
    chat = world.chat_to_write_to(args["chat_id"])
    message = world.ledger.message(chat["id"], args["message_id"])
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != world.profile.id or "forward_origin" in message:
        raise bad_request("message can't be edited")
    return message


def edited(world: World, before: Json, content: Json, args: Json, *, replaces: frozenset[str]) -> Json:
    """Put `content` in place of the fields `replaces`; a keyboard that is not sent again goes. Refuses when nothing would change."""
    after = {key: value for key, value in before.items() if key not in replaces | {"reply_markup"}}
    after |= with_mentions(world, content)
    markup = checked_markup(args.get("reply_markup"), inline_only=True)
    if markup is not None:
        after["reply_markup"] = markup
    if after == before:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same "
            "as a current content and reply markup of the message"
        )
    after["edit_date"] = world.now()
    world.ledger.put_message(after)
    _tell(world, "edited", after, None)
    return after


def removed(world: World, chat_id: int, message_id: int) -> bool:
    """Remove a message from the chat and from its windows; False when there is none."""
    if not world.ledger.delete_message(chat_id, message_id):
        return False
    event = {"type": "deleted", "message_id": message_id, "chat_id": chat_id}
    world.events.add(world.people_in(chat_id), event)
    return True


def edit_as_person(world: World, message: Json, content: Json) -> Json:
    """A person changes their own message: the bot gets `edited_message`."""
    replaced = {"text", "entities", "caption", "caption_entities"}
    after: Json = {key: value for key, value in message.items() if key not in replaced}
    after |= {**content, "edit_date": world.now()}
    with world.ledger.together():
        world.ledger.put_message(after)
        _tell(world, "edited", after, None)
        if _is_for_bot(world, after):
            world.updates.add("edited_message", after)
    return after
