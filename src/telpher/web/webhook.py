"""Telegram's webhook: an unguessable path, a secret compared in constant time, and 200 only when the update is stored."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from telpher.errors import DiskFullError, SettingsInvalidError, StoreError, TelpherError
from telpher.settings import Secret

_log = logging.getLogger(__name__)

# https://core.telegram.org/bots/api#setwebhook
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_SECRET_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,256}")

Accept = Callable[[Mapping[str, Any]], Awaitable[bool]]


@dataclasses.dataclass(frozen=True)
class Webhook:
    """Where Telegram delivers updates, and how we know that it is Telegram."""

    url: Secret
    """What setWebhook is told: the public address with our path."""
    path_key: Secret
    secret: Secret

    @classmethod
    def of(cls, public_url: str, token: Secret, secret: Secret) -> Webhook:
        """Derive the path, and the secret where none is set, from the token, so that both are the same after a restart.

        Raises SettingsInvalidError for a secret that Telegram would refuse.
        """
        if secret and not _SECRET_SHAPE.fullmatch(secret):
            raise SettingsInvalidError("WEBHOOK_SECRET may hold letters, digits, _ and - only (1 to 256 of them)")
        path_key = _derived(token, "path")
        return cls(Secret(f"{public_url}/telegram/{path_key}"), path_key, secret or _derived(token, "secret"))

    @property
    def paths(self) -> set[str]:
        """Where the server answers: with the public address's own path, and without it, as some proxies strip it."""
        return {"/telegram/{key}", urlsplit(self.url).path.removesuffix(self.path_key) + "{key}"}


def _derived(token: Secret, purpose: str) -> Secret:
    return Secret(hmac.new(token.encode(), f"telpher webhook {purpose}".encode(), hashlib.sha256).hexdigest())


class WebhookEndpoint:
    """Answers Telegram's calls. `accept` stores an update durably; `has_room` says whether more may come now."""

    def __init__(self, webhook: Webhook, accept: Accept, has_room: Callable[[], bool]) -> None:
        self._webhook = webhook
        self._accept = accept
        self._has_room = has_room

    async def handle(self, request: web.Request) -> web.Response:
        """200: stored. 404, 403: not Telegram. 400, 413: no update. 503, 500: Telegram is to try again later."""
        status = self._refusal(request) or await self._store(await request.read())
        return web.Response(status=status, headers={"Retry-After": "1"} if status == 503 else None)

    def _refusal(self, request: web.Request) -> int | None:
        if not _is_same(request.match_info["key"], self._webhook.path_key):
            return 404
        if not _is_same(request.headers.get(_SECRET_HEADER, ""), self._webhook.secret):
            return 403
        if request.content_type != "application/json":
            return 415
        return None if self._has_room() else 503

    async def _store(self, body: bytes) -> int:
        try:
            update = json.loads(body)
            if not isinstance(update, dict):
                return 400
            await self._accept(update)
        except (StoreError, DiskFullError) as error:
            _log.warning("an update stays with Telegram, which will repeat it: %s", error)
            return 503
        except (ValueError, RecursionError, TelpherError):
            return 400
        except Exception:  # noqa: BLE001 - the database or the disk: Telegram repeats what gets no 200
            _log.exception("an update could not be stored; Telegram will repeat it")
            return 500
        return 200


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
