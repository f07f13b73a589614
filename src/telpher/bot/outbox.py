"""The one way out to Telegram: paced, patient with 429, and never sending twice what may have arrived.

Calls whose repetition changes nothing (edits, deletions, answers to buttons) are repeated after a network fault; a message is sent
again only when it certainly did not arrive. Implements `bot.ports.Outbox`; failures are `TelpherError`s.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any

from telegram import TelegramObject
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from telpher.bot.formats import without_zones
from telpher.bot.polling import seconds_of
from telpher.bot.request import AiohttpRequest, ApiAddress, FilePart, NotDeliveredError
from telpher.errors import (
    BadInputError,
    ChatUnreachableError,
    DeliveryUnknownError,
    SourceBusyError,
    SourceUnreachableError,
    TelpherError,
)

_log = logging.getLogger(__name__)

_ATTEMPTS = 6
_FIRST_WAIT_S = 0.25
_PATIENCE_S = 300.0
_TOAST_LIMIT = 200


class Pace:
    """How fast messages may leave (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).

    About one a second to a person, twenty a minute to a group, thirty a second over all; short bursts are let through at once. What can
    wait uses only half of a burst: however many receipts tell of progress, an answer that a person waits for leaves at once.
    """

    _ALL = 0
    _ALL_EVERY_S = 1 / 30
    _ALL_BURST = 30
    _CHAT_BURST = 20
    _CHATS_KEPT = 1000

    def __init__(self) -> None:
        # For each chat when its bucket is empty again, as loop time (the generic cell rate algorithm).
        self._empty_at: dict[int, float] = {}
        self._held_until: dict[int, float] = {}
        self._calm = asyncio.Lock()

    async def turn(self, chat_id: int) -> None:
        """Wait until the next message to this chat may leave; turns are given in the order of asking."""
        now = asyncio.get_running_loop().time()
        self._forget(now)
        wait_s = max(
            self._reserve(self._ALL, now, self._ALL_EVERY_S, self._ALL_BURST),
            self._reserve(chat_id, now, _chat_every_s(chat_id), self._CHAT_BURST),
        )
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        # Whoever was told to wait meanwhile may have been told anew.
        while (held_s := self._held_until.get(chat_id, 0.0) - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(held_s)

    async def until_calm(self, chat_id: int) -> None:
        """Wait until half of the chat's burst, and of everybody's, is free again: then what can wait may ask for its turn."""
        await self._until_half_empty(chat_id, _chat_every_s(chat_id), self._CHAT_BURST)
        async with self._calm:
            await self._until_half_empty(self._ALL, self._ALL_EVERY_S, self._ALL_BURST)
            # One after the other: those who were let go have not asked for their turn yet.
            await asyncio.sleep(self._ALL_EVERY_S)

    def hold(self, chat_id: int, seconds: float) -> None:
        """Telegram said so: nothing to this chat for so long."""
        until = asyncio.get_running_loop().time() + seconds
        self._held_until[chat_id] = max(until, self._held_until.get(chat_id, 0.0))

    async def _until_half_empty(self, key: int, interval_s: float, burst: int) -> None:
        loop = asyncio.get_running_loop()
        half_s = interval_s * burst / 2
        while (wait_s := self._empty_at.get(key, 0.0) - half_s - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait_s)

    def _reserve(self, key: int, now: float, interval_s: float, burst: int) -> float:
        empty_at = max(self._empty_at.get(key, now), now)
        self._empty_at[key] = empty_at + interval_s
        return empty_at + interval_s - burst * interval_s - now

    def _forget(self, now: float) -> None:
        if len(self._empty_at) > self._CHATS_KEPT:
            self._empty_at = {key: at for key, at in self._empty_at.items() if at > now}
            self._held_until = {key: at for key, at in self._held_until.items() if at > now}


def _chat_every_s(chat_id: int) -> float:
    return 1.0 if chat_id > 0 else 3.0


class TelegramOutbox:
    """See the module. Texts are HTML; link previews are off."""

    def __init__(self, request: AiohttpRequest, address: ApiAddress) -> None:
        self._request = request
        self._address = address
        self._pace = Pace()
        self._knows_zones = True

    async def send_message(
        self, chat_id: int, text: str, keyboard: TelegramObject | None = None, reply_to: int | None = None
    ) -> int:
        message = await self._call(
            "sendMessage",
            {
                "chat_id": chat_id,
                "text": text,
                "parse_mode": "HTML",
                "link_preview_options": {"is_disabled": True},
                **_extras(keyboard, reply_to),
            },
            chat_id=chat_id,
        )
        return int(message["message_id"])

    async def send_photo(
        self,
        chat_id: int,
        picture: bytes,
        caption: str = "",
        keyboard: TelegramObject | None = None,
        reply_to: int | None = None,
        *,
        name: str = "picture.png",
        mime_type: str = "image/png",
    ) -> int:
        """A picture that was made here; returns the message's id."""
        message = await self._call(
            "sendPhoto",
            {"chat_id": chat_id, "caption": caption, "parse_mode": "HTML", **_extras(keyboard, reply_to)},
            chat_id=chat_id,
            files={"photo": (name, picture, mime_type)},
        )
        return int(message["message_id"])

    async def send_document(self, chat_id: int, content: bytes, caption: str = "", *, name: str, mime_type: str) -> int:
        """A small file that was made here; returns the message's id."""
        message = await self._call(
            "sendDocument",
            {"chat_id": chat_id, "caption": caption, "parse_mode": "HTML"},
            chat_id=chat_id,
            files={"document": (name, content, mime_type)},
        )
        return int(message["message_id"])

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, keyboard: TelegramObject | None = None
    ) -> bool:
        parameters = {
            "chat_id": chat_id,
            "message_id": message_id,
            "text": text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
            **_extras(keyboard, None),
        }
        try:
            await self._call("editMessageText", parameters, chat_id=chat_id, is_repeatable=True)
        except RefusedError as refusal:
            if refusal.says("message is not modified"):
                return True
            if refusal.says(
                "not found", "can't be edited", "message_id_invalid", "no text in the message", "identifier"
            ):
                return False
            raise
        return True

    async def until_calm(self, chat_id: int) -> None:
        """Wait until an edit that nobody waits for would hold up nobody's answer."""
        await self._pace.until_calm(chat_id)

    async def answer_callback(self, callback_id: str, text: str = "", show_alert: bool = False) -> None:
        parameters = {
            "callback_query_id": callback_id,
            "text": text[:_TOAST_LIMIT] or None,
            "show_alert": show_alert or None,
        }
        try:
            await self._call("answerCallbackQuery", parameters, is_repeatable=True)
        except RefusedError as refusal:
            if not refusal.says("query is too old", "query_id_invalid", "query id is invalid"):
                raise

    async def answer_inline(self, query_id: str, results: Sequence[Mapping[str, Any]], **options: Any) -> None:
        """Answer an inline query with results in the Bot API's own JSON. Too late is no error."""
        try:
            await self._call(
                "answerInlineQuery",
                {"inline_query_id": query_id, "results": list(results), **options},
                is_repeatable=True,
            )
        except RefusedError as refusal:
            if not refusal.says("query is too old", "query_id_invalid", "query id is invalid"):
                raise

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        try:
            await self._call(
                "deleteMessage", {"chat_id": chat_id, "message_id": message_id}, chat_id=chat_id, is_repeatable=True
            )
        except RefusedError as refusal:
            if not refusal.says("not found", "can't be deleted", "message_id_invalid", "identifier"):
                raise

    async def send_chat_action(self, chat_id: int, action: str) -> None:
        """Show "typing…", "sending a file…" for five seconds. Best effort: it raises nothing."""
        try:
            await self._request.call(self._address.method("sendChatAction"), {"chat_id": chat_id, "action": action})
        except TelegramError as error:
            _log.debug("a chat action was not shown: %s", error)

    async def set_commands(
        self, commands: Mapping[str, str], language_code: str = "", scope: Mapping[str, Any] | None = None
    ) -> None:
        """What the apps offer behind "/": command → description, for one language or (empty) for all others."""
        listed = [{"command": command, "description": description} for command, description in commands.items()]
        parameters = {"commands": listed, "language_code": language_code or None, "scope": scope}
        await self._call("setMyCommands", parameters, is_repeatable=True)

    async def delete_commands(self, language_code: str, scope: Mapping[str, Any]) -> None:
        """Offer there what is offered in general."""
        parameters = {"language_code": language_code or None, "scope": scope}
        await self._call("deleteMyCommands", parameters, is_repeatable=True)

    async def call(self, method: str, parameters: Mapping[str, Any], *, is_repeatable: bool) -> Any:
        """Any other method of the Bot API, with the same patience."""
        return await self._call(method, parameters, is_repeatable=is_repeatable)

    async def _call(
        self,
        method: str,
        parameters: Mapping[str, Any],
        *,
        chat_id: int | None = None,
        is_repeatable: bool = False,
        files: Mapping[str, FilePart] | None = None,
    ) -> Any:
        attempt = 0
        patience_ends = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            if chat_id is not None:
                await self._pace.turn(chat_id)
            try:
                return await self._ask(method, parameters, files)
            except ChatMigrated as error:
                chat_id = error.new_chat_id
                parameters = {**parameters, "chat_id": chat_id}
            except RetryAfter as error:
                wait_s = seconds_of(error)
                if asyncio.get_running_loop().time() + wait_s > patience_ends:
                    raise SourceBusyError("Telegram asks for a long pause", retry_after_s=wait_s) from None
                if chat_id is not None:
                    self._pace.hold(chat_id, wait_s)
                else:
                    await asyncio.sleep(wait_s)
            except TelegramError as error:
                attempt += 1
                failure = translated(error)
                if attempt >= _ATTEMPTS or not (is_repeatable or did_not_arrive(error)) or not _is_passing(error):
                    raise failure from None
                _log.info("%s is tried again: %s", method, error)
                await asyncio.sleep(_FIRST_WAIT_S * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _ask(self, method: str, parameters: Mapping[str, Any], files: Mapping[str, FilePart] | None) -> Any:
        """One request. A Bot API server from before 9.5 refuses times with zones; from then on it is told times in ours."""
        if self._knows_zones:
            try:
                return await self._request.call(self._address.method(method), parameters, files=files)
            except BadRequest as error:
                if 'start tag "tg-time"' not in str(error):
                    raise
                self._knows_zones = False
        return await self._request.call(self._address.method(method), _zoneless(parameters), files=files)


class RefusedError(BadInputError):
    """Telegram answered 400: its own words are in `detail`."""

    text_key = "error.unexpected"

    def says(self, *phrases: str) -> bool:
        words = self.detail.lower()
        return any(phrase in words for phrase in phrases)


def did_not_arrive(error: TelegramError) -> bool:
    """Whether the server certainly did not act: it never had the whole request, or it answered that it failed (but for 504)."""
    if isinstance(error, NotDeliveredError):
        return True
    return type(error) is NetworkError and "gateway timeout" not in str(error).lower()


def translated(error: TelegramError) -> TelpherError:
    """Telegram's error as ours."""
    if isinstance(error.__cause__, TelpherError):
        return error.__cause__
    if isinstance(error, RetryAfter):
        return SourceBusyError(str(error), retry_after_s=seconds_of(error))
    if isinstance(error, Forbidden) or "chat not found" in str(error).lower():
        return ChatUnreachableError(str(error))
    if isinstance(error, BadRequest):
        return RefusedError(str(error))
    is_lost = isinstance(error, NetworkError) and not did_not_arrive(error)
    return (DeliveryUnknownError if is_lost else SourceUnreachableError)(str(error))


def _is_passing(error: TelegramError) -> bool:
    return isinstance(error, NetworkError) and not isinstance(error, BadRequest)


def _zoneless(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: without_zones(value) if name in {"text", "caption"} and isinstance(value, str) else value
        for name, value in parameters.items()
    }


def _extras(keyboard: TelegramObject | None, reply_to: int | None) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if keyboard is not None:
        extras["reply_markup"] = keyboard.to_dict()
    if reply_to is not None:
        extras["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
    return extras
