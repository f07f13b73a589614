"""What an update asks for, in one word: for figures and log lines, which say nothing of what people wrote. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from telpher.bot.callbacks import Callback
from telpher.bot.commands import COMMANDS

_ATTACHMENTS = ("document", "photo", "video", "audio", "voice", "animation", "video_note", "sticker")
_HIDDEN = ("profile", "cancel", "own_module")
_NAMES = {name: command.name for command in COMMANDS for name in (command.name, *command.aliases)} | {
    name: name for name in _HIDDEN
}
_WORD_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])")


def named_kind(words: str) -> str | None:
    """The kind that a person means by `files`, `/files`, `file`, `text` or `press show_entry`; None for what there is not."""
    words = " ".join(words.lower().split())
    if words in {"file", "text"}:
        return words
    if words.startswith("press "):
        return words if words in map(_press, Callback.kinds.values()) else None
    name = _NAMES.get(words.removeprefix("/"))
    return f"/{name}" if name else None


def kind_of(raw: Mapping[str, Any]) -> str:
    """`/files` for a command, `press show_entry` for a button, `file`, `text`, or the update's own type."""
    callback = raw.get("callback_query")
    if isinstance(callback, Mapping):
        kind = Callback.kinds.get(str(callback.get("data", "")).partition(":")[0])
        return _press(kind) if kind is not None else "press"
    message = raw.get("message")
    if not isinstance(message, Mapping):
        return next((name for name in raw if name != "update_id"), "nothing")[:40]
    if any(name in message for name in _ATTACHMENTS):
        return "file"
    text = message.get("text")
    if not isinstance(text, str):
        return "other"
    if not text.startswith("/"):
        return "text"
    name = _NAMES.get(text[1:].split(maxsplit=1)[0].partition("@")[0].lower() if len(text) > 1 else "")
    return f"/{name}" if name else "unknown command"


def _press(kind: type[Callback]) -> str:
    """`press show_entry` for ShowEntry."""
    return f"press {_WORD_BREAK.sub('_', kind.__name__).lower()}"
