"""One small aiohttp server on WEB_HOST:WEB_PORT: the webhook where one is set, the end of log-ins, health and metrics for this machine.

Health and metrics are for the machine itself: whoever comes through a proxy gets a 404 there.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Self

from aiohttp import web

from telpher.errors import SettingsInvalidError
from telpher.metrics import CONTENT_TYPE
from telpher.web.login import LoginEndpoint
from telpher.web.webhook import WebhookEndpoint

_BODY_LIMIT_BYTES = 1 << 20
_FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")

Checks = Callable[[], Mapping[str, bool]]
Metrics = Callable[[], str]


class WebServer:
    """`async with` listens and stops. `checks` are what readiness means; `metrics` is what a monitor reads."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        checks: Checks,
        metrics: Metrics,
        webhook: WebhookEndpoint | None,
        paths: set[str],
        login: LoginEndpoint | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._checks = checks
        self._metrics_text = metrics
        app = web.Application(client_max_size=_BODY_LIMIT_BYTES)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        if login is not None:
            for path in login.paths:
                app.router.add_get(path, login.handle)
        if webhook is not None:
            for path in paths:
                app.router.add_post(path, webhook.handle)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises SettingsInvalidError when the address cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            if error.errno == errno.EADDRINUSE:
                why = "is in use by another program: set WEB_PORT to a free port (0 takes any)"
            elif error.errno == errno.EACCES:
                why = "needs rights that Telpher does not have: set WEB_PORT to a port above 1023"
            else:
                why = f"cannot be listened on ({error.strerror or error}): see WEB_HOST and WEB_PORT"
            raise SettingsInvalidError(f"{self._host}:{self._port} {why}") from None

    @property
    def port(self) -> int:
        """The port that was taken."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else self._port

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _live(self, request: web.Request) -> web.Response:
        _only_this_machine(request)
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:
        _only_this_machine(request)
        checks = dict(self._checks())
        return web.json_response(checks, status=200 if all(checks.values()) else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        _only_this_machine(request)
        return web.Response(body=self._metrics_text().encode(), headers={"Content-Type": CONTENT_TYPE})


def _only_this_machine(request: web.Request) -> None:
    if any(header in request.headers for header in _FORWARDED):
        raise web.HTTPNotFound
