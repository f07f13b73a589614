"""The sandbox as one server on one port: Telegram, Google, the chat page and faults on demand, with state that outlives it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from telpher.sandbox import chat, faults, google
from telpher.sandbox.telegram.flood import FloodLimit
from telpher.sandbox.telegram.install import install as install_telegram
from telpher.sandbox.telegram.world import FIRST_USER_ID, BotProfile, Limits

DEFAULT_TOKEN = "123456789:SANDBOX-token-for-the-offline-Telegram"  # noqa: S105 - a name tag, it opens nothing but a sandbox
OWNER_ID = FIRST_USER_ID
_LARGEST_BODY_IN_MEMORY_BYTES = 16 << 20
_SHUTDOWN_TIMEOUT_S = 2.0


class Sandbox:
    """`async with Sandbox(state_dir=…) as sandbox:` serves at `sandbox.url` until the block ends.

    Loopback only: it lets anybody in who can reach it. `is_local` serves as Telegram's own server does with `--local`: no size
    limits, and getFile answers absolute paths.
    """

    def __init__(
        self,
        *,
        state_dir: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = DEFAULT_TOKEN,
        bot_username: str = "telpher_sandbox_bot",
        bot_first_name: str = "Telpher",
        local: bool = False,
        callback_lifetime_s: float = 60.0,
        flood_limit: FloodLimit | None = None,
    ) -> None:
        if not _is_loopback(host):
            raise ValueError(f"the sandbox listens on this machine only, not on {host}")
        self._state_dir = state_dir
        self._host = host
        self._port = port
        self._profile = BotProfile(token=token, username=bot_username, first_name=bot_first_name)
        self._limits = Limits(is_local=local, callback_lifetime_s=callback_lifetime_s)
        self._flood_limit = flood_limit
        self._runner: web.AppRunner | None = None

    @property
    def token(self) -> str:
        """The one token that is let in."""
        return self._profile.token

    @property
    def url(self) -> str:
        """The root of everything, without a slash at the end; known once the sandbox runs."""
        assert self._runner is not None, "the sandbox is not running"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def port(self) -> int:
        """The port that it listens on; known once the sandbox runs."""
        assert self._runner is not None, "the sandbox is not running"
        return int(self._runner.addresses[0][1])

    def application(self) -> web.Application:
        """All parts on one application."""
        app = web.Application(client_max_size=_LARGEST_BODY_IN_MEMORY_BYTES)
        self._state_dir.mkdir(parents=True, exist_ok=True)
        faults.install(app, state_dir=self._state_dir)
        google.install(app, state_dir=self._state_dir)
        chat.install(app, state_dir=self._state_dir)
        install_telegram(
            app,
            state_dir=self._state_dir,
            profile=self._profile,
            limits=self._limits,
            flood_limit=self._flood_limit,
        )
        return app

    async def start(self) -> None:
        """Begin to serve."""
        self._runner = web.AppRunner(
            self.application(), access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_TIMEOUT_S
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """End all connections and close the state."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
