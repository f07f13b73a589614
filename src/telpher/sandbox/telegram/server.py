"""The Bot API over HTTP: `/bot<token>/<method>` and `/file/bot<token>/<path>`, answering as api.telegram.org does."""

from __future__ import annotations

import inspect
import logging
import re
from typing import Any

from aiohttp import web

from telpher.sandbox.telegram.arguments import RawArguments, read_arguments, typed_arguments
from telpher.sandbox.telegram.errors import ApiError, bad_request
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.methods import METHODS
from telpher.sandbox.telegram.methods.port import Described
from telpher.sandbox.telegram.spec import bot_api
from telpher.sandbox.telegram.world import World

_log = logging.getLogger(__name__)
_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{1,80}")


class BotApi:
    """Serves one bot."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the Bot API on an application."""
        for verb in ("GET", "POST"):
            app.router.add_route(verb, r"/bot{token:[^/]+}/{method:[^/]*}", self._call)
        app.router.add_get(r"/file/bot{token:[^/]+}/{path:.+}", self._download)

    async def call(self, name: str, raw: RawArguments) -> Described:
        """Carry out a method by its name in any case; raises ApiError."""
        canonical = bot_api().canonical.get(name.lower())
        if canonical is None:
            raise ApiError(404, "Not Found: method not found")
        method = METHODS.get(canonical)
        if method is None:
            raise ApiError(501, f"Not Implemented: the sandbox does not carry out {canonical}")
        # Older spellings that the official server still takes beside reply_parameters and link_preview_options.
        args = typed_arguments(bot_api().methods[canonical] | _OLDER_SPELLINGS, raw)
        if "business_connection_id" in args:
            raise bad_request("business connection not found")
        with self._world.ledger.together():
            result = method(self._world, args)
        if inspect.isawaitable(result):
            result = await result
        return result if isinstance(result, Described) else Described(result, "")

    def _check_token(self, token: str) -> None:
        if token != self._world.profile.token:
            raise ApiError(401, "Unauthorized") if _TOKEN.fullmatch(token) else ApiError(404, "Not Found")

    async def _call(self, request: web.Request) -> web.Response:
        raw = RawArguments()
        try:
            self._check_token(request.match_info["token"])
            await read_arguments(request, raw, self._world.depot, self._world.limits.upload_bytes)
            answer = await self.call(request.match_info["method"], raw)
            body: Json = {"ok": True, "result": answer.result}
            if answer.description:
                body["description"] = answer.description
            return web.json_response(body)
        except ApiError as error:
            return _refusal(error)
        finally:
            raw.discard()

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_token(request.match_info["token"])
        except ApiError as error:
            return _refusal(error)
        path = request.match_info["path"]
        depot = self._world.depot
        record = depot.find_at(path) or depot.find_at(f"/{path}")
        limit_bytes = self._world.limits.download_bytes
        if record is None or (limit_bytes is not None and record["file_size"] > limit_bytes):
            return _refusal(ApiError(404, "Not Found"))
        # Telegram's file server tells every file's type as this one.
        return web.FileResponse(depot.path_of(record), headers={"Content-Type": "application/octet-stream"})


def _refusal(error: ApiError) -> web.Response:
    headers: dict[str, str] = {}
    if error.parameters and "retry_after" in error.parameters:
        headers["Retry-After"] = str(error.parameters["retry_after"])
    return web.json_response(error.as_json(), status=error.code, headers=headers)


def _older_spellings() -> dict[str, Any]:
    methods = bot_api().methods
    return {
        "reply_to_message_id": methods["getUpdates"]["offset"],
        "allow_sending_without_reply": methods["sendMessage"]["protect_content"],
        "disable_web_page_preview": methods["sendMessage"]["protect_content"],
    }


_OLDER_SPELLINGS = _older_spellings()
