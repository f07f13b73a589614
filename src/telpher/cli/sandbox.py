"""`telpher sandbox`: an offline Telegram with a chat page for the browser, and an offline Google, on this machine alone."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telpher import event_loop

if TYPE_CHECKING:
    from telpher.sandbox.service import Sandbox


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    parser = subparsers.add_parser(
        "sandbox",
        help="start an offline Telegram and Google to try things with",
        description="An offline Telegram (Bot API server and a chat page) and an offline Google (Drive and log-in) on one port.",
    )
    parser.add_argument(
        "--host", type=_loopback, default="127.0.0.1", help="loopback address to listen on (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=8090, help="port; 0 takes any free one (default: %(default)s)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path("data/sandbox"),
        metavar="DIR",
        help="where chats, files and the offline drive are kept (default: %(default)s)",
    )
    parser.add_argument("--token", default=None, help="the token that bots use (default: a fixed one)")
    parser.add_argument(
        "--local",
        action="store_true",
        help="like a Bot API server run with --local: no size limits, files as local paths",
    )
    # For `telpher run`: take another port when this one is busy, say where we are in one line of JSON, and end with the parent.
    parser.add_argument("--beside-a-parent", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(uses_settings=False)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from telpher.sandbox.state import StateOutdatedError  # noqa: PLC0415 - not for --help

    try:
        event_loop.run(_serve(args))
    except StateOutdatedError as error:
        print(f"telpher: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"telpher: the sandbox cannot listen on {args.host}:{args.port}: {error.strerror or error}", file=sys.stderr
        )
        return 1
    return 0


async def _serve(args: argparse.Namespace) -> None:
    from telpher.sandbox.service import DEFAULT_TOKEN, Sandbox  # noqa: PLC0415 - not for --help

    options: dict[str, Any] = {
        "host": args.host,
        "state_dir": args.state_dir,
        "token": args.token or DEFAULT_TOKEN,
        "local": args.local,
    }
    sandbox = Sandbox(port=args.port, **options)
    try:
        await sandbox.start()
    except OSError:
        await sandbox.stop()
        if not args.beside_a_parent:
            raise
        sandbox = Sandbox(port=0, **options)
        await sandbox.start()
    try:
        await (_end_with_parent(sandbox) if args.beside_a_parent else _until_signal(sandbox))
    finally:
        await sandbox.stop()


async def _until_signal(sandbox: Sandbox) -> None:
    from telpher.sandbox.service import OWNER_ID  # noqa: PLC0415 - not for --help

    print(f"Chat page:       {sandbox.url}/")
    print(f"Bot API server:  {sandbox.url}   (TELEGRAM_API_URL, GOOGLE_API_URL and GOOGLE_OAUTH_URL)")
    print(f"Token:           {sandbox.token}   (TELEGRAM_TOKEN)")
    print(f"First user:      {OWNER_ID}   (OWNER_IDS)")
    print("Ctrl-C stops it.", flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


async def _end_with_parent(sandbox: Sandbox) -> None:
    """The parent holds the other end of our standard input: when it ends, however it ends, there is nothing more to read."""
    from telpher.sandbox.service import OWNER_ID  # noqa: PLC0415 - not for --help

    print(json.dumps({"url": sandbox.url, "token": sandbox.token, "owner_id": OWNER_ID}), flush=True)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 1024) else ended.set())
    await ended.wait()
    loop.remove_reader(sys.stdin.fileno())


def _loopback(text: str) -> str:
    try:
        is_loopback = text == "localhost" or ipaddress.ip_address(text).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise argparse.ArgumentTypeError(
            f"{text} is not a loopback address: the sandbox lets anyone in, so it stays on this machine"
        )
    return text
