"""`telpher` as a child of a test, with the watch over its event loop: what stood in its way is told at once, before any kill."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable

from tests.scenarios.loop_watch import LoopWatch

from telpher import cli
from telpher.app import App
from telpher.cli import run

MARK = "the event loop was kept waiting:"


class _Told(list[str]):
    """Says what it is given, once it is `open`: nobody waits for an answer before Telpher is ready, or when it ends."""

    is_open = False

    def append(self, place: str) -> None:
        if self.is_open:
            print(f"{MARK} {place}", file=sys.stderr, flush=True)


def main() -> int:
    """The command line, watched while it serves."""
    really = run._until_signal

    async def watched(app: App, announce: Callable[[str], None]) -> None:
        told = _Told()

        def open_and_announce(bot_name: str) -> None:
            announce(bot_name)
            told.is_open = True

        really_stop = app.stop

        async def stop() -> None:
            if not gc.get_freeze_count():
                told.append("the collector goes over all that start-up has made, again and again")
            told.is_open = False
            await really_stop()

        app.stop = stop  # type: ignore[method-assign]
        with LoopWatch(asyncio.get_running_loop()) as watch:
            watch.blocked = told
            await really(app, open_and_announce)

    run._until_signal = watched
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
