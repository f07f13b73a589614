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
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
)  # fmt: skip
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


def _rows(markup: Json, field: str) -> list[list[Any]]:
    rows = markup[field]
    if not isinstance(rows, list):
        raise bad_request(f'field "{field}" must be of type Array')
    for row in rows:
        if not isinstance(row, list):
            raise bad_request(f'field "{field}" must be an Array of Arrays')
    return rows


def _inline(markup: Json) -> Json | None:
    rows = [[_inline_button(button) for button in row] for row in _rows(markup, "inline_keyboard")]
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > _MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def _inline_button(button: Any) -> Json:
    prefix = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad_request(f"{prefix}Expected an Object")
    text = button.get("text")
    if text is None:
        raise bad_request(f'{prefix}Can\'t find field "text"')
    if not isinstance(text, str) or not text.strip():
        raise bad_request(f'{prefix}Field "text" must be of type String' if text else "BUTTON_TEXT_INVALID")
    actions = [action for action in _ACTIONS if button.get(action) is not None]
    if not actions:
        raise bad_request(f"{prefix}Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request(f"{prefix}Exactly one of the optional fields must be used to specify type of the button")
    if "callback_data" in button and not _is_callback_data(button["callback_data"]):
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not (isinstance(button["url"], str) and _ADDRESS.fullmatch(button["url"])):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if "copy_text" in button:
        _check_copy_text(button["copy_text"])
    return {key: value for key, value in button.items() if value is not None}


def _is_callback_data(data: Any) -> bool:
    return isinstance(data, str) and 1 <= len(data.encode()) <= _LONGEST_CALLBACK_BYTES


def _check_copy_text(copied: Any) -> None:
    text = copied.get("text") if isinstance(copied, dict) else None
    if not isinstance(text, str) or not 1 <= len(text) <= _LONGEST_COPY_TEXT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _reply(markup: Json) -> Json:
    for row in _rows(markup, "keyboard"):
        for button in row:
            text = button.get("text") if isinstance(button, dict) else button
            if not isinstance(text, str):
                raise bad_request("can't parse keyboard button: Can't find field \"text\"")
            if not text:
                raise bad_request("keyboard button text must be non-empty")
    return markup
