"""Brings files into a chat: streamed as one multipart request of known length, or by the id that Telegram gave them before.

Implements `actions.get_back.Courier`. Memory does not depend on the file's size. A send whose answer was lost raises
DeliveryUnknownError and is never repeated by itself; one that certainly did not arrive raises an error that may be retried.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from telegram.error import BadRequest, TelegramError

from telpher.bot.outbox import did_not_arrive, translated
from telpher.bot.request import AiohttpRequest, ApiAddress, StreamedFile
from telpher.errors import DeliveryUnknownError, FileTooBigError

_log = logging.getLogger(__name__)

# Telegram stores the file away before it answers; https://core.telegram.org/bots/api#sending-files sets no time.
_ANSWER_S = 300.0
_KINDS = {
    "document": "sendDocument",
    "photo": "sendPhoto",
    "video": "sendVideo",
    "audio": "sendAudio",
    "voice": "sendVoice",
    "animation": "sendAnimation",
    "video_note": "sendVideoNote",
    "sticker": "sendSticker",
}
_UNKNOWN_FILE = ("file identifier", "file_id", "wrong remote file", "file_reference")
_WAIT_S = 2.0


class TelegramCourier:
    """See the module. `limit_bytes` is what this Bot API server takes."""

    def __init__(self, request: AiohttpRequest, address: ApiAddress, *, limit_bytes: int | None) -> None:
        self._request = request
        self._address = address
        self._limit_bytes = limit_bytes

    async def send_file(
        self,
        chat_id: int,
        *,
        name: str,
        mime_type: str,
        size_bytes: int,
        chunks: AsyncIterator[bytes],
        as_kind: str = "document",
        reply_to: int | None = None,
    ) -> str:
        """Stream exactly `size_bytes` of `chunks` into the chat; returns Telegram's file_id.

        Only as a document do the bytes arrive as they are: Telegram re-encodes photos, and may re-encode videos. What `chunks` raises is
        raised here. Raises FileTooBigError, ChatUnreachableError, SourceBusyError, SourceUnreachableError, DeliveryUnknownError.
        """
        if self._limit_bytes is not None and size_bytes > self._limit_bytes:
            raise FileTooBigError(limit_bytes=self._limit_bytes, size_bytes=size_bytes)
        streamed = StreamedFile(size_bytes, chunks)
        try:
            message = await self._request.call(
                self._address.method(_KINDS[as_kind]),
                _parameters(chat_id, as_kind, reply_to),
                files={as_kind: (name, streamed, mime_type or "application/octet-stream")},
                read_timeout_s=_ANSWER_S,
            )
        except TelegramError as error:
            if "too large" in str(error).lower():
                raise FileTooBigError(
                    str(error), limit_bytes=self._limit_bytes or size_bytes, size_bytes=size_bytes
                ) from None
            raise translated(error) from None
        return _file_id_of(message)

    async def send_again(
        self, chat_id: int, file_id: str, *, as_kind: str = "document", reply_to: int | None = None
    ) -> bool:
        """Send what Telegram has already; False when it no longer knows `file_id`. Raises as `send_file` does."""
        parameters = {**_parameters(chat_id, as_kind, reply_to), as_kind: file_id}
        for wait_s in (_WAIT_S, None):
            try:
                await self._request.call(self._address.method(_KINDS[as_kind]), parameters)
            except TelegramError as error:
                words = str(error).lower()
                if isinstance(error, BadRequest) and any(phrase in words for phrase in _UNKNOWN_FILE):
                    return False
                if wait_s is None or not did_not_arrive(error):
                    raise translated(error) from None
                _log.info("a file is sent again by its id: %s", error)
                await asyncio.sleep(wait_s)
            else:
                break
        return True


def _parameters(chat_id: int, as_kind: str, reply_to: int | None) -> dict[str, Any]:
    parameters: dict[str, Any] = {"chat_id": chat_id}
    if as_kind == "document":
        parameters["disable_content_type_detection"] = True
    if reply_to is not None:
        parameters["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
    return parameters


def _file_id_of(message: Mapping[str, Any]) -> str:
    """The file in the message that Telegram made of it; it may have chosen another kind than was asked for."""
    for kind in _KINDS:
        content = message.get(kind)
        if isinstance(content, list) and content:
            content = content[-1]
        if isinstance(content, Mapping) and "file_id" in content:
            return str(content["file_id"])
    raise DeliveryUnknownError("Telegram's answer names no file")
