"""Pages of drives with a thousand and with 100,000 entries: `make bench-browse`.

Each case runs in a process of its own, the offline Google in another, so that memory is that of the browser alone. Of each page is told
how long it took beyond the drive's own time, from the press to the finished message. Results as JSON into benchmarks/results/.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import functools
import inspect
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from telpher.access import Access, EntryRefs
from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_oauth import AuthorizedUser
from telpher.actions.browse import Browse
from telpher.actions.cards import Cards
from telpher.actions.drive_choice import OneDrive
from telpher.actions.find import Find, FindKind, FindPeriod
from telpher.actions.paging import Pager
from telpher.actions.personal import Personal
from telpher.actions.shelves import Shelf, Shelves
from telpher.actions.trail import Trails
from telpher.bot import browse_views
from telpher.bot.texts import Texts
from telpher.compute import machine
from telpher.drives.folder import FolderDrive
from telpher.drives.google import open_google_drive
from telpher.drives.pacing import Pace
from telpher.drives.port import Order
from telpher.sandbox.service import Sandbox
from telpher.store import open_store

RESULTS = Path(__file__).parents[1] / "results"
COUNTS = (1_000, 100_000)
DRIVES = ("folder", "google")
PERSON = 1001
SCOPE = "https://www.googleapis.com/auth/drive"


class Timed:
    """A drive that knows how long it was waited for."""

    def __init__(self, drive: Any) -> None:
        self._drive = drive
        self.waited_s = 0.0

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._drive, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        @functools.wraps(attribute)
        async def timed(*args: Any, **kwargs: Any) -> Any:
            begun_s = time.perf_counter()
            try:
                return await attribute(*args, **kwargs)
            finally:
                self.waited_s += time.perf_counter() - begun_s

        return timed


def resident_mb(field: str) -> float:
    """`VmRSS` now, `VmHWM` at most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise AssertionError(field)


@contextlib.asynccontextmanager
async def opened(kind: str, count: int, folder: Path, url: str) -> AsyncIterator[Any]:
    """A drive with so many entries, a tenth of them folders."""
    if kind == "folder":
        root = folder / "drive"
        root.mkdir()
        for number in range(1, count + 1):
            if number % 10 == 0:
                (root / f"Folder {number}").mkdir()
            else:
                (root / f"File {number}.txt").touch()
        drive: Any = FolderDrive(root)
    else:
        async with aiohttp.ClientSession() as http:
            async with http.post(f"{url}/sandbox/google/token", json={"scope": SCOPE}) as answer:
                granted = await answer.json()
            seed = {"count": count, "folder_every": 10}
            async with http.post(f"{url}/sandbox/google/seed", json=seed) as answer:
                assert answer.status == 200
        authorizer = GoogleAuthorizer(AuthorizedUser.from_json(json.dumps(granted)), oauth_url=url)
        pace = Pace(rate_per_s=10_000, burst=1000)
        drive = await open_google_drive(api_url=url, authorizer=authorizer, home_file=folder / "home", pace=pace)
    try:
        yield drive
    finally:
        await drive.close()


async def case(kind: str, count: int, url: str) -> dict[str, Any]:
    """All pages of one drive."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store(folder / "telpher.db")
        async with opened(kind, count, folder, url) as real:
            drive = Timed(real)
            cards = Cards(Access(store, [PERSON]), EntryRefs(store), OneDrive(drive))
            pager, texts = Pager(store), Texts.for_language("en")
            browse = Browse(cards, pager, Personal(store), Trails())
            find, shelves = Find(cards, pager, store), Shelves(cards, pager)

            async def listing(page: int) -> None:
                browse_views.listing(texts, await browse.page(PERSON, None, page))

            async def sort(order: Order) -> None:
                top = (await browse.page(PERSON)).folder.token
                browse_views.listing(texts, await browse.sort(PERSON, top, order))

            async def first_found() -> None:
                browse_views.found(texts, await find.begin(PERSON, "File 7"))

            async def found(kind: FindKind, page: int) -> None:
                search = (await find.begin(PERSON, "File 7")).search_id
                browse_views.found(texts, await find.page(PERSON, search, kind, FindPeriod.YEAR, page))

            async def recent() -> None:
                browse_views.shelf(texts, await shelves.page(PERSON, Shelf.RECENT))

            work: dict[str, Callable[[], Awaitable[None]]] = {
                "files, page 1": lambda: listing(0),
                "files, page 2": lambda: listing(1),
                "files, page 40, straight": lambda: listing(39),
                "files, page 39, back": lambda: listing(38),
                "files, by date": lambda: sort(Order.NEWEST),
                "files, by size": lambda: sort(Order.LARGEST),
                "find, page 1": first_found,
                "find, page 2, narrowed": lambda: found(FindKind.DOCUMENT, 1),
                "recent": recent,
            }
            await real.root()
            await real.start()
            before_mb = resident_mb("VmRSS")
            pages = {}
            for title, look in work.items():
                drive.waited_s, begun_s = 0.0, time.perf_counter()
                await look()
                took_s = time.perf_counter() - begun_s
                pages[title] = {"drive_ms": 1000 * drive.waited_s, "own_ms": 1000 * (took_s - drive.waited_s)}
            grown_mb = resident_mb("VmHWM") - before_mb
        await store.close()
    return {"drive": kind, "entries": count, "pages": pages, "before_mb": before_mb, "grown_mb": grown_mb}


async def serve(folder: Path) -> None:
    """The offline Google, until the end of standard input."""
    async with Sandbox(state_dir=folder) as sandbox:
        print(sandbox.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def run_case(kind: str, count: int) -> dict[str, Any]:
    """One case in processes of its own."""
    this = (sys.executable, "-m", "benchmarks.browse")
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.create_subprocess_exec(*this, "--serve", folder, stdin=pipe, stdout=pipe)
        assert server.stdout is not None
        url = (await server.stdout.readline()).decode().strip()
        try:
            browser = await asyncio.create_subprocess_exec(*this, "--case", kind, str(count), url, stdout=pipe)
            output, _ = await browser.communicate()
        finally:
            await server.communicate(b"")
    result: dict[str, Any] = json.loads(output)
    return result


async def main() -> None:
    """Every drive in every size."""
    results = []
    for kind in DRIVES:
        for count in COUNTS:
            result = await run_case(kind, count)
            results.append(result)
            worst = max(page["own_ms"] for page in result["pages"].values())
            print(
                f"{kind}, {count:,} entries: at most {worst:.0f} ms beyond the drive, {result['grown_mb']:.1f} MB grown"
            )
            for title, page in result["pages"].items():
                print(f"  {title:28} {page['own_ms']:7.1f} ms own {page['drive_ms']:9.1f} ms drive")
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "browse.json"
    target.write_text(
        json.dumps({"machine": dataclasses.asdict(machine.describe()), "cases": results}, indent=1) + "\n"
    )
    print(target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
    elif options.case:
        print(json.dumps(asyncio.run(case(options.case[0], int(options.case[1]), options.case[2]))))
    else:
        asyncio.run(main())
