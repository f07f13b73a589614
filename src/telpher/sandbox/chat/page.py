"""Serves the chat page from the package's own files, under a policy that lets nothing else load or run."""

from __future__ import annotations

import hashlib
import mimetypes
from importlib import resources
from pathlib import Path

from aiohttp import hdrs, web

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Always asked for again, answered with 304: after an upgrade nobody sees half of the old page.
    "Cache-Control": "no-cache",
}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


def install(app: web.Application, *, state_dir: Path) -> None:  # noqa: ARG001 - every part of the sandbox is installed alike
    """Put the page on `app`. It keeps nothing in `state_dir`: what it shows is the chat API's."""
    app.router.add_get("/", _page)
    app.router.add_get("/favicon.ico", _icon)
    app.router.add_get("/static/{name:[a-z0-9_/-]+\\.(?:js|css|svg)}", _part)


async def _page(request: web.Request) -> web.Response:
    return _file(request, "index.html")


async def _icon(request: web.Request) -> web.Response:
    return _file(request, "mark.svg")


async def _part(request: web.Request) -> web.Response:
    return _file(request, request.match_info["name"])


def _file(request: web.Request, name: str) -> web.Response:
    """The file's bytes, or 304 when the browser has them. Names hold no dots but the last, so none leaves the folder."""
    file = resources.files("telpher.sandbox.chat").joinpath("static", *name.split("/"))
    try:
        body = file.read_bytes()
    except (OSError, KeyError):
        raise web.HTTPNotFound from None
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {**_HEADERS, hdrs.ETAG: etag}
    if request.headers.get(hdrs.IF_NONE_MATCH) == etag:
        return web.Response(status=304, headers=headers)
    suffix = "." + name.rpartition(".")[2]
    content_type = _TYPES.get(suffix) or mimetypes.types_map[suffix]
    charset = None if suffix == ".svg" else "utf-8"
    return web.Response(body=body, content_type=content_type, charset=charset, headers=headers)
