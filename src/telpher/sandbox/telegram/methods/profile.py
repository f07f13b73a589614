"""The bot's own profile: getMe, its commands by scope and language, its name and descriptions."""

from __future__ import annotations

import json
import re
from typing import Any

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.methods.port import Method
from telpher.sandbox.telegram.world import World

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_MOST_COMMANDS = 100
_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


def get_me(world: World, _args: Json) -> Json:
    """The bot as a User with the fields that only getMe shows."""
    return {
        **world.bot_user(),
        "can_join_groups": True,
        "can_read_all_group_messages": world.profile.reads_all_group_messages,
        "supports_inline_queries": world.profile.supports_inline,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _language(args: Json) -> str:
    language: str = args.get("language_code", "")
    if language and not _LANGUAGE.fullmatch(language):
        raise bad_request("LANG_CODE_INVALID")
    return language


def _command_key(world: World, args: Json) -> str:
    scope = args.get("scope") or {"type": "default"}
    if not isinstance(scope, dict) or scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    named = [scope["type"]]
    for field in _SCOPES[scope["type"]]:
        if not isinstance(scope.get(field), int):
            raise bad_request(f"can't parse BotCommandScope: Can't find field \"{field}\"")
        named.append(scope[field])
    if len(named) > 1:
        world.chat_for_bot(named[1])
    return json.dumps([*named, _language(args)])


def set_my_commands(world: World, args: Json) -> bool:
    """Remember the commands for one scope and language, and show them in the chat windows."""
    commands = [_command(command) for command in args["commands"]]
    if len(commands) > _MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    world.ledger.set_fact("commands", _command_key(world, args), commands or None)
    _tell_commands(world)
    return True


def _command(command: Any) -> Json:
    if not isinstance(command, dict):
        raise bad_request("expected an Object as BotCommand")
    for field in ("command", "description"):
        if not isinstance(command.get(field), str):
            raise bad_request(f"can't parse BotCommand: Can't find field \"{field}\"")
    name = command["command"].removeprefix("/")
    if not _COMMAND.fullmatch(name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(command["description"]) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": command["description"]}


def get_my_commands(world: World, args: Json) -> list[Json]:
    """Exactly what was set for this scope and language."""
    found: list[Json] = world.ledger.fact("commands", _command_key(world, args)) or []
    return found


def delete_my_commands(world: World, args: Json) -> bool:
    """Forget the commands of one scope and language."""
    world.ledger.set_fact("commands", _command_key(world, args), None)
    _tell_commands(world)
    return True


def shown_commands(world: World, user_id: int, chat_id: int) -> dict[str, list[Json]]:
    """The commands that one person sees in one chat, by the language of their app; `default` for all other languages.

    The first list that is set counts (https://core.telegram.org/bots/api#determining-list-of-commands).
    """
    known = {tuple(json.loads(key)): commands for key, commands in world.ledger.facts("commands").items()}
    scopes = _scopes_for(world, user_id, chat_id)

    def shown_in(language: str) -> list[Json]:
        keys = [(*scope, code) for scope in scopes for code in dict.fromkeys((language, ""))]
        return next((known[key] for key in keys if key in known), [])

    languages = {str(key[-1]) for key in known} - {""}
    return {"default": shown_in(""), **{language: shown_in(language) for language in sorted(languages)}}


def _scopes_for(world: World, user_id: int, chat_id: int) -> list[tuple[str | int, ...]]:
    """From the narrowest to the widest."""
    if chat_id > 0:
        return [("chat", chat_id), ("all_private_chats",), ("default",)]
    group = world.group(chat_id) or {"member_ids": []}
    is_owner = group["member_ids"][:1] == [user_id]
    scopes: list[tuple[str | int, ...]] = [
        ("chat_member", chat_id, user_id),
        *([("chat_administrators", chat_id)] if is_owner else []),
        ("chat", chat_id),
        *([("all_chat_administrators",)] if is_owner else []),
        ("all_group_chats",),
        ("default",),
    ]
    return scopes


def _tell_commands(world: World) -> None:
    for user in world.users():
        user_id = int(user["id"])
        for chat_id in (user_id, *(int(group["id"]) for group in world.groups(user_id))):
            event = {"type": "commands", "chat_id": chat_id, "commands": shown_commands(world, user_id, chat_id)}
            world.events.add([user_id], event)


def _text_pair(kind: str, field: str, longest: int) -> tuple[Method, Method]:
    def set_text(world: World, args: Json) -> bool:
        text = args.get(field, "")
        if len(text) > longest:
            raise bad_request(f"{field.replace('_', ' ')} is too long")
        world.ledger.set_fact(kind, _language(args), text or None)
        return True

    def get_text(world: World, args: Json) -> Json:
        found = world.ledger.fact(kind, _language(args)) or world.ledger.fact(kind, "")
        return {field: found or (world.profile.first_name if field == "name" else "")}

    return set_text, get_text


_set_name, _get_name = _text_pair("bot_name", "name", 64)
_set_description, _get_description = _text_pair("bot_description", "description", 512)
_set_short, _get_short = _text_pair("bot_short_description", "short_description", 120)

METHODS: dict[str, Method] = {
    "getMe": get_me,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": _set_name,
    "getMyName": _get_name,
    "setMyDescription": _set_description,
    "getMyDescription": _get_description,
    "setMyShortDescription": _set_short,
    "getMyShortDescription": _get_short,
}
