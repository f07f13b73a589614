"""Puts the offline Telegram on an application: the Bot API, the chat API, and the delivery to a webhook while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from aiohttp import web

from telpher.sandbox.telegram.arguments import RawArguments
from telpher.sandbox.telegram.chat_api import ChatApi
from telpher.sandbox.telegram.errors import ApiError
from telpher.sandbox.telegram.files import FileDepot
from telpher.sandbox.telegram.flood import FloodGate, FloodLimit
from telpher.sandbox.telegram.ledger import Json, Ledger
from telpher.sandbox.telegram.server import BotApi
from telpher.sandbox.telegram.webhook import Webhook
from telpher.sandbox.telegram.world import BotProfile, Limits, World


def install(
    app: web.Application,
    *,
    state_dir: Path,
    profile: BotProfile,
    limits: Limits,
    flood_limit: FloodLimit | None = None,
) -> World:
    """Add the routes and the life cycle; the world is open until the application is cleaned up.

    Raises BlockingIOError while another sandbox uses the same folder.
    """
    root = state_dir / "telegram"
    lock = _only_one(root)
    ledger = Ledger(root / "ledger.sqlite3")
    depot = FileDepot(root / "files", ledger)
    world = World(ledger=ledger, depot=depot, profile=profile, limits=limits, flood=FloodGate(flood_limit))
    bot_api = BotApi(world)
    bot_api.add_routes(app)
    ChatApi(world).add_routes(app)

    async def call_in_answer(name: str, values: Json) -> None:
        raw = RawArguments()
        raw.values.update(values)
        # The real server tells nobody how such a call ended either.
        with contextlib.suppress(ApiError):
            await bot_api.call(name, raw)

    async def life(_app: web.Application) -> AsyncIterator[None]:
        webhook = Webhook(world, call_in_answer)
        # The sandbox imports no other room, so it keeps its one task itself.
        delivery = asyncio.get_running_loop().create_task(webhook.run(), name="sandbox/webhook")
        yield
        delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery
        ledger.close()
        lock.close()

    async def let_waiters_go(_app: web.Application) -> None:
        world.close()

    app.cleanup_ctx.append(life)
    app.on_shutdown.append(let_waiters_go)
    return world


def _only_one(root: Path) -> IO[bytes]:
    """A lock that the operating system takes back when this process ends, however it ends."""
    root.mkdir(parents=True, exist_ok=True)
    lock = (root / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise BlockingIOError(error.errno, f"another sandbox is using {root.parent}") from None
    return lock
