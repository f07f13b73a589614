"""`telpher run`: serve Telegram; without a token, serve the sandbox, which is started beside us and ends with us."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import dataclasses
import gc
import json
import resource
import selectors
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telpher import event_loop, notify
from telpher.errors import SettingsInvalidError, TelpherError
from telpher.settings import DriveKind, Secret, Settings
from telpher.tasks import Nursery

if TYPE_CHECKING:
    from telpher.app import App

_READY_LIMIT_S = 30.0
_END_LIMIT_S = 2.0
# M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX of malloc.h: https://man7.org/linux/man-pages/man3/mallopt.3.html
_MALLOC_OPTIONS = {-1: 256 << 10, -3: 256 << 10, -8: 2}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    parser = subparsers.add_parser(
        "run",
        help="start the bot (without a token: in the browser, offline)",
        description="Start the bot. With TELEGRAM_TOKEN set it serves Telegram; without, it starts an offline Telegram beside "
        "itself and prints the address of its chat page. Ctrl-C stops it; nothing is lost.",
    )
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="DIR",
        help="measure the handlers and write a .prof per command, which pstats and snakeviz read, to DIR at the end",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal; the exit code."""
    _return_memory()
    _leave_no_core()
    if settings.telegram_token:
        return _serve(settings, state_dir=settings.data_dir, profile_dir=args.profile)
    state_dir = settings.data_dir / "sandbox"
    with _sandbox(settings, state_dir) as told:
        here = dataclasses.replace(
            settings,
            telegram_token=Secret(told["token"]),
            telegram_api_url=told["url"],
            owner_ids=(told["owner_id"], *settings.owner_ids),
            telegram_local=False,
            webhook_url="",
            web_port=0,
            **_offline_google(settings, told, state_dir),
        )
        return _serve(here, state_dir=state_dir, profile_dir=args.profile, chat_page=f"{told['url']}/")


def _offline_google(settings: Settings, told: dict[str, Any], state_dir: Path) -> dict[str, Any]:
    """Settings that let people connect the sandbox's own Google; none where the operator has set up the real one."""
    if settings.google_credentials_file is not None or settings.drive is DriveKind.GOOGLE:
        return {}
    file = state_dir / "google-client.json"
    with urllib.request.urlopen(f"{told['url']}/sandbox/google/credentials.json", timeout=_READY_LIMIT_S) as answer:  # noqa: S310 - our own
        file.write_bytes(answer.read())
    roots = dict.fromkeys(("google_api_url", "google_oauth_url", "google_login_url"), told["url"])
    return {**roots, "google_credentials_file": file}


def _return_memory() -> None:
    """Have glibc give the memory of transfers back when they end, so that the idle bot stays small. Elsewhere nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in _MALLOC_OPTIONS.items():
            mallopt(option, value)


def _leave_no_core() -> None:
    """A dump of our memory would hold tokens: neither we nor what we start leaves one, whatever the machine's own rule."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve(settings: Settings, *, state_dir: Path, profile_dir: Path | None, chat_page: str = "") -> int:
    from telpher import app  # noqa: PLC0415 - with it comes all that is heavy
    from telpher.logs import set_up  # noqa: PLC0415 - as above

    set_up(settings.log_level, settings.log_format, app.secrets_of(settings))

    def announce(bot_name: str) -> None:
        lines = [
            f"Telpher is ready: chat with it at  {chat_page}" if chat_page else f"Telpher is ready as @{bot_name}."
        ]
        if settings.drive is DriveKind.FOLDER:
            lines.append(f"Files land in {(settings.data_dir / 'drive').resolve()}")
        lines.append("Ctrl-C stops it.")
        print("\n".join(lines), flush=True)

    event_loop.run(_until_signal(app.App(settings, state_dir=state_dir, profile_dir=profile_dir), announce))
    return 0


async def _until_signal(app: App, announce: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; `announce` is given the bot's name once it answers. Raises what kept it from starting."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Nursery("serve") as nursery:
        starting = nursery.spawn(_start(app), name="start")
        stopping = nursery.spawn(stop.wait(), name="stop")
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return
        if (refusal := starting.result()) is not None:
            raise refusal
        announce(app.identity.username)
        # What start-up has made stays: a full collection that went over it each time would hold the loop up for 0.1 s and more.
        gc.freeze()
        notify.ready()
        losing = nursery.spawn(app.lost(), name="lost")
        await asyncio.wait({stopping, losing}, return_when=asyncio.FIRST_COMPLETED)
        notify.stopping()
        await app.stop()
        if losing.done():
            raise losing.result()


async def _start(app: App) -> TelpherError | None:
    """An error that the person is told in one line is a result: the nursery would log it with its traceback."""
    try:
        await app.start()
    except TelpherError as error:
        return error
    return None


@contextlib.contextmanager
def _sandbox(settings: Settings, state_dir: Path) -> Iterator[dict[str, Any]]:
    """Start `telpher sandbox` as a child and yield what it told: `url`, `token`, `owner_id`.

    It reads our end of a pipe and stops when that closes, also when we were killed. It is in a session of its own, so that Ctrl-C
    reaches us alone and we stop before it does.
    """
    command = [sys.executable, "-m", "telpher.cli", "sandbox", "--beside-a-parent", "--host", settings.sandbox_host]
    command += ["--port", str(settings.sandbox_port), "--state-dir", str(state_dir)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        told = _first_line(child)
        port = int(told["url"].rpartition(":")[2])
        if settings.sandbox_port not in {0, port}:
            print(f"Port {settings.sandbox_port} is busy; the chat page is on {port} instead.", file=sys.stderr)
        yield told
    finally:
        child.stdin.close()
        try:
            child.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()


def _first_line(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert child.stdout is not None
    ends_at = time.monotonic() + _READY_LIMIT_S
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            # `read1` on the raw pipe, so that nothing waits in a buffer that the selector does not see.
            chunk = child.stdout.read1(4096) if selector.select(max(0.0, ends_at - time.monotonic())) else b""  # type: ignore[attr-defined]
            if not chunk:
                raise SettingsInvalidError(
                    "the sandbox did not start (see above); with TELEGRAM_TOKEN set, Telpher runs without it"
                )
            line += chunk
    told: dict[str, Any] = json.loads(line)
    return told
