"""What the handlers and receipts need from around them: the way out to Telegram, and what this Bot API server allows.

`Outbox` is implemented by `bot/outbox.py`; handlers never call python-telegram-bot's `Bot` themselves, so that retries, pacing and
"message is not modified" are dealt with in one place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from telegram import ForceReply, InlineKeyboardMarkup

Keyboard: TypeAlias = InlineKeyboardMarkup | ForceReply


class Outbox(Protocol):
    """The one way out to Telegram. Texts are HTML; link previews are off. All failures are `TelpherError`s."""

    async def send_message(
        self, chat_id: int, text: str, keyboard: Keyboard | None = None, reply_to: int | None = None
    ) -> int:
        """Send once (never blindly repeated) and return the new message's id. A `reply_to` that is gone is no error."""

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, keyboard: InlineKeyboardMarkup | None = None
    ) -> bool:
        """Make a message read so. False when it is gone or can no longer be edited; "not modified" is success."""

    async def until_calm(self, chat_id: int) -> None:
        """Wait until an edit that nobody waits for would hold up nobody's answer."""

    async def answer_callback(self, callback_id: str, text: str = "", show_alert: bool = False) -> None:
        """Stop a button's spinner, with a toast when `text` is not empty (at most 200 characters, no HTML). Too late is no error."""

    async def answer_inline(self, query_id: str, results: Sequence[Mapping[str, Any]], **options: Any) -> None:
        """Answer an inline query with results in the Bot API's own JSON. Too late is no error."""

    async def set_commands(
        self, commands: Mapping[str, str], language_code: str = "", scope: Mapping[str, Any] | None = None
    ) -> None:
        """What the apps offer behind "/": command → description, for one language or (empty) for all others.

        `scope` is a BotCommandScope as JSON; without one it is for everybody.
        """

    async def delete_commands(self, language_code: str, scope: Mapping[str, Any]) -> None:
        """Offer there what is offered in general. No error when there was nothing else."""

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        """No error when it is gone already."""


@dataclasses.dataclass(frozen=True)
class BotIdentity:
    """Who we are in Telegram."""

    id: int
    username: str
    first_name: str
