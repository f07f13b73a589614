"""Where Google's page leads back to after a log-in: hands the answer on, and shows the person a page with one sentence."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from aiohttp import web

PATH = "/oauth/google"

Finish = Callable[[Mapping[str, str]], Awaitable[str]]
"""Is given the address's parameters; returns what the page says."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer"><title>Telpher</title><style>:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 20vh auto; padding: 0 1.5rem; text-align: center }}</style>
<p>{sentence}</p></html>"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class LoginEndpoint:
    """Until `finish` is known it says that it is too early."""

    def __init__(self, public_url: str = "") -> None:
        self._public_url = public_url
        self.finish: Finish | None = None

    @property
    def paths(self) -> set[str]:
        """Where the server answers: without the public address's own path, and with it."""
        return {PATH, urlsplit(self._public_url).path.rstrip("/") + PATH}

    async def handle(self, request: web.Request) -> web.Response:
        """One page that leads back."""
        if self.finish is None:
            raise web.HTTPServiceUnavailable
        sentence = await self.finish(dict(request.query))
        return web.Response(
            text=_PAGE.format(sentence=html.escape(sentence)), content_type="text/html", headers=_HEADERS
        )
