"""Checks a reply_markup as Telegram does: shapes, the 1–64 bytes of callback_data, addresses; answers it as messages carry it."""

from __future__ import annotations

import re
from typing import Any

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.ledger import Json

_LONGEST_CALLBACK_BYTES = 64
_LONGEST_COPY_TEXT = 256
_MOST_BUTTONS = 100
_KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
_ACTIONS = (
    "url", "callback_data", "callback_game", "pay", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "login_url", "web_app", "copy_text",
)  # fmt: skip
_MAY_BE_EMPTY = frozenset({"switch_inline_query", "switch_inline_query_current_chat", "callback_game", "copy_text"})
_ADDRESS = re.compile(r"(?:https?://[^\s/]+\.?[^\s]*|tg://[^\s]+)", re.IGNORECASE)


def checked_markup(markup: Any, *, inline_only: bool = False) -> Json | None:
    """The markup if it is good, None if there is none (an empty object counts as none); raises 400 otherwise."""
    if markup is None or markup in ("", {}):
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        return _inline(markup)
    if inline_only:
        raise bad_request("inline keyboard expected")
    if "keyboard" in markup:
        return _reply(markup)
    if not any(markup.get(kind) is True for kind in _KINDS):
        return None
    return markup


def _rows(markup: Json, field: str, kind: str) -> list[list[Any]]:
    rows = markup[field]
    if not isinstance(rows, list):
        raise bad_request(f'field "{field}" of the {kind} must be an Array')
    for row in rows:
        if not isinstance(row, list):
            raise bad_request(f'field "{field}" of the {kind} must be an Array of Arrays')
    return rows


def _inline(markup: Json) -> Json | None:
    rows = [
        [_inline_button(button) for button in row] for row in _rows(markup, "inline_keyboard", "InlineKeyboardMarkup")
    ]
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > _MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def _inline_button(button: Any) -> Json:
    prefix = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad_request(f"{prefix}InlineKeyboardButton must be an Object")
    for field in ("text", "url", "callback_data"):
        if field in button and not isinstance(button[field], str):
            raise bad_request(f'{prefix}Field "{field}" must be of type String')
    if "text" not in button:
        raise bad_request(f'{prefix}Can\'t find field "text"')
    if not button["text"].strip():
        raise bad_request("BUTTON_TEXT_INVALID")
    # Of several actions the official server takes the first in this order, and an empty address or data for none.
    action = next((name for name in _ACTIONS if button.get(name) or (name in _MAY_BE_EMPTY and name in button)), None)
    if action is None:
        raise bad_request(f"{prefix}Text buttons are unallowed in the inline keyboard")
    if action == "callback_data" and not _is_callback_data(button["callback_data"]):
        raise bad_request("BUTTON_DATA_INVALID")
    if action == "url" and not _ADDRESS.fullmatch(button["url"]):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if action == "copy_text":
        _check_copy_text(button["copy_text"])
    looks = {name: button[name] for name in ("icon_custom_emoji_id", "style") if button.get(name)}
    return {"text": button["text"], **looks, action: button[action]}


def _is_callback_data(data: str) -> bool:
    return 1 <= len(data.encode()) <= _LONGEST_CALLBACK_BYTES


def _check_copy_text(copied: Any) -> None:
    text = copied.get("text") if isinstance(copied, dict) else None
    if not isinstance(text, str) or not 1 <= len(text) <= _LONGEST_COPY_TEXT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _reply(markup: Json) -> Json:
    rows = [
        [_reply_button(button) for button in row] for row in _rows(markup, "keyboard", "ReplyKeyboardMarkup") if row
    ]
    return {**markup, "keyboard": rows}


def _reply_button(button: Any) -> Json:
    """A button as an object; a bare string is short for one with this text."""
    _check_reply_button(button)
    return button if isinstance(button, dict) else {"text": button}


def _check_reply_button(button: Any) -> None:
    prefix = "can't parse keyboard button: "
    if isinstance(button, dict):
        if "text" not in button:
            raise bad_request(f'{prefix}Can\'t find field "text"')
        button = button["text"]
        if not isinstance(button, str):
            raise bad_request(f'{prefix}Field "text" must be of type String')
    if not isinstance(button, str):
        raise bad_request(f"{prefix}KeyboardButton must be a String or an Object")
    if not button:
        raise bad_request("keyboard button text must be non-empty")
