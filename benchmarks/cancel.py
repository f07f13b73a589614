"""How soon Cancel all and Retry act on many files: `python -m benchmarks.cancel [--counts N …] [--latency-ms MS]`.

Telpher runs in a process of its own; the offline Telegram and Google in this one, each answer of Google's as late as `--latency-ms` says.
The files are on their way all the while: some in the middle of their download or upload, the others waiting for their turn. Told is how
long after pressing the button of every message until the bot had answered all presses (one message stands for most of the files), until
all messages showed it, and, of Cancel, until no trace was left here and at the drive.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from tests.driver import Person, buttons_of, is_from_bot, text_of
from tests.driver.messages import Message

from telpher.compute import machine
from telpher.sandbox.service import OWNER_ID, Sandbox

RESULT = Path(__file__).parent / "results" / "cancel.json"
FILE_BYTES = 6_000_000
BYTES_PER_S = 400_000
LIMIT_S = 120.0
_COUNT = re.compile(r"(\d+) files")


@contextlib.asynccontextmanager
async def telpher(sandbox: Sandbox, folder: Path) -> AsyncIterator[None]:
    """`telpher run` over the sandbox's Google."""
    async with aiohttp.ClientSession() as http:
        scope = "https://www.googleapis.com/auth/drive.file"
        async with http.post(f"{sandbox.url}/sandbox/google/token", json={"scope": scope}) as answer:
            (folder / "token.json").write_text(await answer.text())
    environment = {
        "PATH": os.environ["PATH"],
        "TELEGRAM_API_URL": sandbox.url,
        "TELEGRAM_TOKEN": sandbox.token,
        "OWNER_IDS": str(OWNER_ID),
        "GOOGLE_API_URL": sandbox.url,
        "GOOGLE_OAUTH_URL": sandbox.url,
        "GOOGLE_TOKEN_FILE": str(folder / "token.json"),
        "DRIVE": "google",
        "DATA_DIR": str(folder / "data"),
        "WEB_PORT": "0",
        "LOG_LEVEL": "WARNING",
    }
    words = (sys.executable, "-m", "telpher.cli", "run")
    child = await asyncio.create_subprocess_exec(*words, env=environment, cwd=folder, stdout=asyncio.subprocess.PIPE)
    try:
        assert child.stdout is not None
        while b"Ctrl-C" not in await child.stdout.readline():
            pass
        yield
    finally:
        child.terminate()
        await child.wait()


async def slowed(sandbox: Sandbox, latency_s: float) -> None:
    """Files are on their way for as long as this takes, and the drive answers as from afar."""
    rules: list[dict[str, Any]] = [
        {"match": "GET /file/", "kind": "bandwidth", "bytes_per_s": BYTES_PER_S, "direction": "down"},
        {"match": "/(upload/)?drive/", "kind": "delay", "delay_s": latency_s},
    ]
    async with aiohttp.ClientSession() as http, http.post(f"{sandbox.url}/sandbox/faults", json=rules) as answer:
        answer.raise_for_status()


def receipts(anna: Person) -> list[Message]:
    return [message for message in anna.messages if is_from_bot(message) and buttons_of(message)]


def counted(anna: Person) -> int:
    """Of how many files the receipts tell."""
    told = [_COUNT.search(text_of(receipt)) for receipt in receipts(anna)]
    return sum(int(one[1]) if one else 1 for one in told)


async def pressed(anna: Person, label: str, afterwards: str) -> tuple[float, float]:
    """Press it below every message: seconds until all were answered, and until all messages offer `afterwards`."""
    messages = receipts(anna)
    begun_s = time.perf_counter()
    await asyncio.gather(*(anna.press(message, label, LIMIT_S) for message in messages))
    answered_s = time.perf_counter() - begun_s

    def all_offer() -> bool | None:
        return (
            all(any(afterwards in one["text"] for one in buttons_of(anna.message(message))) for message in messages)
            or None
        )

    await anna.wait_until(all_offer, LIMIT_S)
    return answered_s, time.perf_counter() - begun_s


def traces(folder: Path) -> int:
    """Transfers of cancelled jobs that something is still kept of, here or at the drive."""
    query = (
        "SELECT count(*) FROM jobs JOIN transfers ON jobs.key = 'save:' || transfers.id WHERE jobs.state = 'cancelled'"
    )
    with contextlib.closing(sqlite3.connect(folder / "data" / "telpher.db")) as database:
        return int(database.execute(query).fetchone()[0])


async def measure(count: int, latency_s: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = os.urandom(FILE_BYTES)
        async with (
            Sandbox(host="127.0.0.1", port=0, state_dir=folder / "sandbox") as sandbox,
            Person(sandbox.url, OWNER_ID) as anna,
        ):
            await slowed(sandbox, latency_s)
            async with telpher(sandbox, folder):
                for number in range(count):
                    await anna.send_file(content, name=f"{number}.bin", kind="document")
                await anna.wait_until(lambda: counted(anna) == count or None, LIMIT_S)
                await asyncio.sleep(1.0)
                cancel_s = await pressed(anna, "Cancel", "Retry")
                begun_s = time.perf_counter()
                while traces(folder):  # noqa: ASYNC110 - nobody tells of it
                    await asyncio.sleep(0.005)
                freed_s = cancel_s[1] + time.perf_counter() - begun_s
                retry_s = await pressed(anna, "Retry", "Cancel")
    return {
        "files": count,
        "cancel_answered_ms": round(cancel_s[0] * 1000),
        "cancel_shown_ms": round(cancel_s[1] * 1000),
        "cancel_freed_ms": round(freed_s * 1000),
        "retry_answered_ms": round(retry_s[0] * 1000),
        "retry_shown_ms": round(retry_s[1] * 1000),
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 20, 100])
    parser.add_argument("--latency-ms", type=float, default=100.0)
    args = parser.parse_args()
    rows = []
    for count in args.counts:
        rows.append(await measure(count, args.latency_ms / 1000))
        print(*(f"{name} {value}" for name, value in rows[-1].items()), sep="   ", flush=True)
    told = {"machine": dataclasses.asdict(machine.describe()), "latency_ms": args.latency_ms, "rows": rows}
    RESULT.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
