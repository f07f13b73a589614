"""A whole Telpher with computations beside it on its loop: `python -m benchmarks.latency.bot WAY WORK SANDBOX_URL DATA_DIR OWNER_IDS`.

Runs until its standard input ends; says `ready` when it serves.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.latency.loads import running

from telpher import event_loop
from telpher.app import App
from telpher.sandbox.service import DEFAULT_TOKEN
from telpher.settings import Secret, Settings


async def serve(way: str, work: str, sandbox_url: str, data_dir: str, owner_ids: str) -> None:
    """Serve the sandbox until nobody wants it any more."""
    settings = Settings(
        telegram_token=Secret(DEFAULT_TOKEN),
        owner_ids=tuple(map(int, owner_ids.split(","))),
        telegram_api_url=sandbox_url,
        data_dir=Path(data_dir),
        web_port=0,
        log_level="ERROR",
    )
    app = App(settings)
    await app.start()
    async with running(way, work):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await app.stop()


if __name__ == "__main__":
    event_loop.run(serve(*sys.argv[1:6]))
