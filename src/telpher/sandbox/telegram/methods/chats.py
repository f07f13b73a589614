"""What a bot may ask of a chat: getChat, its members, leaving it, pins, the menu button."""

from __future__ import annotations

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.methods.port import Method
from telpher.sandbox.telegram.world import World

_NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


def get_chat(world: World, args: Json) -> Json:
    """A chat in full."""
    chat = world.chat_for_bot(args["chat_id"])
    full: Json = {**chat, "accent_color_id": chat["id"] % 7, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
    pinned = world.ledger.fact("pinned", chat["id"])
    if pinned and (message := world.ledger.message(chat["id"], pinned[-1])):
        full["pinned_message"] = message
    return full


def _member(world: World, chat: Json, user_id: int) -> Json:
    user = world.user(user_id)
    if user is None:
        raise bad_request("invalid user_id specified")
    if chat["type"] == "private":
        is_here = user_id in {chat["id"], world.profile.id}
        is_owner = False
    else:
        group = world.group(chat["id"]) or {"member_ids": []}
        is_here = user_id in {*group["member_ids"], world.profile.id}
        is_owner = group["member_ids"][:1] == [user_id]
    if is_owner:
        return {"status": "creator", "user": user, "is_anonymous": False}
    return {"status": "member" if is_here else "left", "user": user}


def get_chat_member(world: World, args: Json) -> Json:
    """One person's standing in a chat; the first member of a group is its owner."""
    return _member(world, world.chat_for_bot(args["chat_id"]), args["user_id"])


def get_chat_administrators(world: World, args: Json) -> list[Json]:
    """The owner of a group; other chats have none."""
    chat = world.chat_for_bot(args["chat_id"])
    if chat["type"] == "private":
        raise bad_request("there are no administrators in the private chat")
    members = (_member(world, chat, user_id) for user_id in world.people_in(chat["id"]))
    return [member for member in members if member["status"] == "creator"]


def get_chat_member_count(world: World, args: Json) -> int:
    """People and the bot."""
    return len(world.people_in(world.chat_for_bot(args["chat_id"])["id"])) + 1


def leave_chat(world: World, args: Json) -> bool:
    """The bot leaves a group."""
    chat = world.chat_for_bot(args["chat_id"])
    if chat["type"] == "private":
        raise bad_request("chat member status can't be changed in private chats")
    world.ledger.set_fact("group", chat["id"], None)
    return True


def pin_chat_message(world: World, args: Json) -> bool:
    """Pin a message; the last one pinned is the one getChat shows."""
    chat = world.chat_for_bot(args["chat_id"])
    if world.ledger.message(chat["id"], args["message_id"]) is None:
        raise bad_request("message to pin not found")
    pinned = [number for number in world.ledger.fact("pinned", chat["id"]) or [] if number != args["message_id"]]
    world.ledger.set_fact("pinned", chat["id"], [*pinned, args["message_id"]])
    return True


def unpin_chat_message(world: World, args: Json) -> bool:
    """Unpin one message, the latest pinned when none is named."""
    chat = world.chat_for_bot(args["chat_id"])
    pinned: list[int] = world.ledger.fact("pinned", chat["id"]) or []
    wanted = args.get("message_id", pinned[-1] if pinned else None)
    if wanted not in pinned:
        raise bad_request("message to unpin not found")
    world.ledger.set_fact("pinned", chat["id"], [number for number in pinned if number != wanted] or None)
    return True


def unpin_all_chat_messages(world: World, args: Json) -> bool:
    """Unpin everything."""
    world.ledger.set_fact("pinned", world.chat_for_bot(args["chat_id"])["id"], None)
    return True


def set_chat_menu_button(world: World, args: Json) -> bool:
    """What the button beside the text field does, for one person or for all."""
    button = args.get("menu_button") or {"type": "default"}
    if not isinstance(button, dict) or button.get("type") not in {"commands", "web_app", "default"}:
        raise bad_request("can't parse menu button: Unsupported type specified")
    world.ledger.set_fact("menu_button", args.get("chat_id", 0), button)
    return True


def get_chat_menu_button(world: World, args: Json) -> Json:
    """What was set for this person, else for all."""
    found: Json | None = world.ledger.fact("menu_button", args.get("chat_id", 0)) or world.ledger.fact("menu_button", 0)
    return found or {"type": "commands"}


def get_user_profile_photos(world: World, args: Json) -> Json:
    """Nobody here has a picture."""
    if world.user(args["user_id"]) is None:
        raise bad_request("user not found")
    return {"total_count": 0, "photos": []}


def set_message_reaction(world: World, args: Json) -> bool:
    """React to a message with emoji; the windows show it."""
    chat = world.chat_to_write_to(args["chat_id"])
    if world.ledger.message(chat["id"], args["message_id"]) is None:
        raise bad_request("message to react not found")
    reactions = args.get("reaction", [])
    if not isinstance(reactions, list) or any(not isinstance(each, dict) or "type" not in each for each in reactions):
        raise bad_request("can't parse reaction types JSON object")
    event = {"type": "reaction", "chat_id": chat["id"], "message_id": args["message_id"], "reaction": reactions}
    world.events.add(world.people_in(chat["id"]), event)
    return True


def close(_world: World, _args: Json) -> bool:
    """Closing an instance on this server leaves nothing to do: the state is on disk already."""
    return True


METHODS: dict[str, Method] = {
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getChatMemberCount": get_chat_member_count,
    "leaveChat": leave_chat,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all_chat_messages,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    "getUserProfilePhotos": get_user_profile_photos,
    "setMessageReaction": set_message_reaction,
    "close": close,
}
