"""Reads Bot API messages as a person would: what does it say, which buttons does it have, which file does it carry."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]
Button = dict[str, Any]

_TAGS = re.compile(r"<[^>]+>")
# Bots see an animation as a document too, so the more telling kind comes first.
_MEDIA_KINDS = ("animation", "video", "audio", "voice", "video_note", "sticker", "document")


def text_of(message: Message) -> str:
    """The text, else the caption, else an empty string. A space that keeps a number with its unit reads as a space."""
    return str(message.get("text") or message.get("caption") or "").replace("\u00a0", " ")


def is_from_bot(message: Message) -> bool:
    return bool(message.get("from", {}).get("is_bot"))


def has_text(*parts: str) -> Callable[[Message], bool]:
    """A predicate: the bot wrote this, and every part stands in it, whatever the case."""
    wanted = [part.casefold() for part in parts]

    def predicate(message: Message) -> bool:
        text = text_of(message).casefold()
        return is_from_bot(message) and all(part in text for part in wanted)

    return predicate


def buttons_of(message: Message) -> list[Button]:
    """The inline buttons, row by row, left to right."""
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in keyboard for button in row]


def find_button(message: Message, text_or_data: str) -> Button:
    """The button with exactly this text or data, else the only one whose text contains it (whatever the case).

    Raises AssertionError that lists the buttons there are.
    """
    buttons = buttons_of(message)
    for button in buttons:
        if text_or_data in (button["text"], button.get("callback_data")):
            return button
    alike = [button for button in buttons if text_or_data.casefold() in button["text"].casefold()]
    if len(alike) == 1:
        return alike[0]
    there_are = [button["text"] for button in buttons]
    raise AssertionError(
        f"{len(alike)} buttons look like {text_or_data!r}; there are {there_are} below {text_of(message)!r}"
    )


def media_of(message: Message) -> dict[str, Any]:
    """The file that the message carries (of a photo the largest size), with its `file_id`. Raises AssertionError without one."""
    if message.get("photo"):
        largest: dict[str, Any] = max(message["photo"], key=lambda size: size["width"] * size["height"])
        return largest
    for kind in _MEDIA_KINDS:
        if kind in message:
            media: dict[str, Any] = message[kind]
            return media
    raise AssertionError(f"no file in this message: {sorted(message)}")


def shown_in(message: Message) -> list[str]:
    """Everything that is to be read: the text or caption, and each button."""
    return [text for text in (text_of(message), *(button["text"] for button in buttons_of(message))) if text]


def shown_inline(result: dict[str, Any]) -> list[str]:
    """Everything that is to be read of an inline result, also once it is sent."""
    sent = result.get("input_message_content", {}).get("message_text", "")
    texts = [result.get("title", ""), result.get("description", ""), plain(sent), plain(result.get("caption", ""))]
    return [text for text in (*texts, *(button["text"] for button in buttons_of(result))) if text]


def plain(marked_up: str) -> str:
    """Telegram's HTML as it is read."""
    return html.unescape(_TAGS.sub("", marked_up))
