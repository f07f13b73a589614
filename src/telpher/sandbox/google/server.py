"""Puts the offline Google into an aiohttp application: its addresses, its errors, its database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import web

from telpher.sandbox.google import about, changes, control, files_api, links, oauth, shared_drives, sharing, uploads
from telpher.sandbox.google.errors import GoogleError
from telpher.sandbox.google.ledger import Ledger
from telpher.sandbox.google.sessions import Sessions


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except GoogleError as error:
        return error.as_response()


def install(app: web.Application, *, state_dir: Path) -> None:
    """Add Google's addresses and `/sandbox/google/…` to `app`; all state lies in `state_dir/google`."""
    ledger = Ledger(state_dir / "google")
    app[oauth.LEDGER] = ledger
    app[uploads.SESSIONS] = Sessions(ledger)
    app.middlewares.append(_answer_errors)
    for part in (oauth, files_api, uploads, sharing, changes, shared_drives, links, control, about):
        app.router.add_routes(part.routes())

    async def close(_: web.Application) -> AsyncIterator[None]:
        yield
        ledger.close()

    app.cleanup_ctx.append(close)
