"""Reads the parameters of a Bot API call, however they came, and makes each the type that the method declares.

Query string, form, JSON and multipart are all accepted (https://core.telegram.org/bots/api#making-requests); files of a multipart
body stream to disk chunk by chunk, whatever their size.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from aiohttp import BodyPartReader, hdrs, web

from telpher.sandbox.telegram.errors import ApiError, bad_request
from telpher.sandbox.telegram.files import FileDepot, Upload, write_chunks
from telpher.sandbox.telegram.spec import Parameter

ATTACHED = "attach://"
"""The key under which a method finds the request's files by their part names."""

_CHUNK_BYTES = 1 << 18
_CHUNKS_AT_ONCE = 8
_LONGEST_TEXT_BYTES = 1 << 20

# What the official server says when the most used parameters are missing; each has words of its own.
_MISSING = {
    "chat_id": "chat_id is empty",
    "from_chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "message_ids": "message identifiers are not specified",
    "user_id": "invalid user_id specified",
    "file_id": "file_id not specified",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
    "inline_query_id": "query is too old and response timeout expired or query ID is invalid",
    "action": "wrong parameter action in request",
    **{
        name: f"there is no {name.replace('_', ' ')} in the request"
        for name in ("document", "photo", "video", "audio", "voice", "animation", "sticker")
    },
    "video_note": "there is no video note in the request",
}


class RawArguments:
    """What came with the request: named values as sent, and the files, which are removed at the end unless filed."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.uploads: dict[str, Upload] = {}

    def discard(self) -> None:
        """Remove the uploads that nobody filed."""
        for upload in self.uploads.values():
            upload.discard()


async def read_arguments(request: web.Request, into: RawArguments, depot: FileDepot, limit_bytes: int) -> None:
    """Fill `into` from the query string and the body; raises ApiError for what the real server refuses at this point."""
    into.values.update(request.query)
    if not request.body_exists:
        return
    # The multipart framing and the other fields may add a little to the file itself.
    if request.content_length is not None and request.content_length > limit_bytes + _LONGEST_TEXT_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError as error:
            raise bad_request(f"can't parse JSON object: {error}") from error
        if not isinstance(body, dict):
            raise bad_request("can't parse request body: Object expected")
        into.values.update({name: value for name, value in body.items() if value is not None})
    elif request.content_type == "multipart/form-data":
        await _read_multipart(request, into, depot, limit_bytes)
    elif request.content_type == "application/x-www-form-urlencoded":
        into.values.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})


async def _read_multipart(request: web.Request, into: RawArguments, depot: FileDepot, limit_bytes: int) -> None:
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.filename is None:
            into.values[part.name] = await _text_of(part)
        else:
            into.uploads[part.name] = await receive_file(part, depot, limit_bytes)


async def _text_of(part: BodyPartReader) -> str:
    text = bytearray()
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        text += chunk
        if len(text) > _LONGEST_TEXT_BYTES:
            raise ApiError(413, "Request Entity Too Large")
    return text.decode("utf-8", "replace")


async def receive_file(part: BodyPartReader, depot: FileDepot, limit_bytes: int | None) -> Upload:
    """Stream one file of a multipart body to disk; memory does not depend on its size."""
    upload = Upload(depot.new_incoming(), part.filename or "file", part.headers.get(hdrs.CONTENT_TYPE), 0)
    is_kept = False
    try:
        chunks: list[bytes] = []
        while True:
            chunk = await part.read_chunk(_CHUNK_BYTES)
            if chunk:
                upload.size_bytes += len(chunk)
                if limit_bytes is not None and upload.size_bytes > limit_bytes:
                    raise ApiError(413, "Request Entity Too Large")
                chunks.append(bytes(chunk))
            if len(chunks) >= _CHUNKS_AT_ONCE or not chunk:
                await asyncio.to_thread(write_chunks, upload.path, chunks)
                chunks = []
            if not chunk:
                is_kept = True
                return upload
    finally:
        if not is_kept:
            upload.discard()


def typed_arguments(parameters: dict[str, Parameter], raw: RawArguments) -> dict[str, Any]:
    """The declared parameters, each made its type; raises 400 in Telegram's words for what is missing or of another type.

    Parameters that the method does not declare are ignored, as on the real server.
    """
    typed: dict[str, Any] = {ATTACHED: raw.uploads}
    for name, parameter in parameters.items():
        if name in raw.uploads and "InputFile" in parameter.types:
            typed[name] = raw.uploads[name]
        elif (value := raw.values.get(name)) is not None and value != "":
            typed[name] = _as_type(name, value, parameter, raw)
        elif parameter.is_required and not (value == "" and name in {"url", "text"}):
            raise bad_request(_MISSING.get(name, f'parameter "{name}" is required'))
        elif value == "":
            typed[name] = ""
    return typed


def _as_type(name: str, value: Any, parameter: Parameter, raw: RawArguments) -> Any:
    if (scalar := _SCALARS.get(parameter.types)) is not None:
        return scalar(name, value)
    if "String" in parameter.types:
        text = value if isinstance(value, str) else json.dumps(value)
        if "InputFile" in parameter.types and text.startswith(ATTACHED):
            return raw.uploads.get(text.removeprefix(ATTACHED), text)
        return text
    if parameter.types == ("InputFile",):
        raise bad_request(f"{name.replace('_', ' ')} must be uploaded as an InputFile")
    return _json(name, value)


def _integer(name: str, value: Any) -> int:
    with contextlib.suppress(TypeError, ValueError):
        if not isinstance(value, bool):
            return int(value)
    raise bad_request(_MISSING.get(name, f'parameter "{name}" must be of type Integer'))


def _chat(_name: str, value: Any) -> int | str:
    """A number, or the @name of a public chat."""
    with contextlib.suppress(TypeError, ValueError):
        return int(value)
    return str(value)


def _float(name: str, value: Any) -> float:
    with contextlib.suppress(TypeError, ValueError):
        return float(value)
    raise bad_request(f'parameter "{name}" must be of type Float')


def _boolean(_name: str, value: Any) -> bool:
    # The official server takes these three for yes and everything else for no.
    return value if isinstance(value, bool) else str(value).strip().lower() in {"true", "yes", "1"}


def _json(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        words = "reply keyboard markup" if name == "reply_markup" else name.replace("_", " ")
        raise bad_request(f"can't parse {words} JSON object") from None


_SCALARS: dict[tuple[str, ...], Callable[[str, Any], Any]] = {
    ("Integer",): _integer,
    ("Integer", "String"): _chat,
    ("Float",): _float,
    ("Boolean",): _boolean,
}
