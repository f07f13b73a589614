"""`make soak`: fifty people, twenty updates a second over every feature, faults everywhere, a kill -9 every minute.

At the end every accepted file must be in the drive once, byte for byte, and neither memory nor descriptors nor the database may have
grown beyond what they hold. Prints how long people waited; results as JSON and PNG into benchmarks/results/. Exit code 1 when something
is wrong. `SOAK_MINUTES` (or --minutes) says for how long, 10 by default.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.soak import checks
from benchmarks.soak.people import Account, Actor, Reply, keep_busy
from benchmarks.soak.plot import draw
from benchmarks.soak.rig import Servers, Telpher, connect_drives, serving
from benchmarks.soak.watch import Sample, keep_looking, look
from tests.driver import Person, is_from_bot

from telpher.compute import machine
from telpher.tasks import Nursery

RESULTS = Path(__file__).parents[1] / "results"
STRANGERS = 3
_DRAIN_LIMIT_S = 600.0
_SETTLED_AFTER_S = 35.0
_MEMORY_GROWTH_BYTES = 48 << 20
_DESCRIPTOR_GROWTH = 12
FAULTS: tuple[dict[str, Any], ...] = (
    {"match": "GET /file/", "kind": "cut_response", "after_bytes": 30_000, "probability": 0.03},
    {"match": "GET /file/", "kind": "bandwidth", "bytes_per_s": 40_000_000, "direction": "down"},
    {"match": "/upload/", "kind": "drop_answer", "probability": 0.03},
    {"match": "/(upload|drive)/", "kind": "status", "status": 503, "probability": 0.02},
    {"match": "/(upload|drive)/", "kind": "status", "status": 429, "retry_after": 1, "probability": 0.01},
    {"match": "PUT /upload/", "kind": "cut_request", "after_bytes": 2_000_000, "probability": 0.1},
    {"match": "PUT /upload/", "kind": "partial", "after_bytes": 1 << 20, "probability": 0.1},
    {"match": "GET /drive/v3/files", "kind": "delay", "delay_s": 1.5, "probability": 0.05},
    {"match": "POST /token", "kind": "status", "status": 500, "probability": 0.05},
    {"match": "/getFile", "kind": "status", "status": 429, "retry_after": 1, "probability": 0.02},
    {"match": "/getUpdates", "kind": "status", "status": 502, "probability": 0.02},
    {"match": "/getUpdates", "kind": "drop_answer", "probability": 0.01},
    {"match": "/sendMessage", "kind": "status", "status": 502, "probability": 0.01},
    {"match": "/sendMessage", "kind": "drop_answer", "probability": 0.005},
    {"match": "/editMessageText", "kind": "drop_answer", "probability": 0.01},
    {"match": "/(editMessageText|answerCallbackQuery)", "kind": "status", "status": 500, "probability": 0.01},
    {"match": "/sendDocument", "kind": "cut_request", "after_bytes": 2_000, "probability": 0.05},
    {"match": "/sendDocument", "kind": "drop_answer", "probability": 0.03},
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is asked for on the command line."""

    minutes: float
    people: int
    updates_per_s: float
    kill_every_s: float
    seed: int


def share_of(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def spread(replies: Sequence[Reply]) -> dict[str, float]:
    took = [reply.took_s for reply in replies]
    return {
        "count": len(took),
        "p50_s": share_of(took, 0.5),
        "p99_s": share_of(took, 0.99),
        "max_s": max(took, default=0.0),
    }


async def killing(telpher: Telpher, every_s: float, seconds: float) -> None:
    """kill -9 and start again, every so often."""
    ends_at = time.monotonic() + seconds
    while (next_at := time.monotonic() + every_s) < ends_at:
        await asyncio.sleep(next_at - time.monotonic())
        await telpher.kill()
        await telpher.start()
    await asyncio.sleep(max(0.0, ends_at - time.monotonic()))


async def drained(database: Path) -> int:
    """Wait until nothing is left to do; what is left when it takes too long."""
    ends_at = time.monotonic() + _DRAIN_LIMIT_S
    left = await asyncio.to_thread(checks.unfinished, database)
    while left and time.monotonic() < ends_at:
        await asyncio.sleep(0.5)
        left = await asyncio.to_thread(checks.unfinished, database)
    return left


async def settled(telpher: Telpher) -> Sample:
    """What it takes when it has had nothing to do for a while."""
    await asyncio.sleep(_SETTLED_AFTER_S)
    assert telpher.pid is not None
    sample = look(telpher.pid, telpher.data_dir)
    assert sample is not None
    return sample


async def soak(plan: Plan, where: Path) -> dict[str, Any]:
    """Everything; the report."""
    chance = random.Random(plan.seed)
    async with contextlib.AsyncExitStack() as stack:
        servers = await stack.enter_async_context(serving(where / "sandbox"))
        people = [await _joined(stack, servers, f"Person{number}") for number in range(plan.people)]
        strangers = [await _joined(stack, servers, f"Stranger{number}") for number in range(STRANGERS)]
        ids = [person.user_id for person in people]
        data_dir = where / "data"
        client_file = await connect_drives(servers, data_dir, ids)
        telpher = Telpher(servers, data_dir, ids, client_file, where / "telpher.log")
        await telpher.start()
        return await _story(plan, servers, telpher, people, strangers, chance)


async def _joined(stack: contextlib.AsyncExitStack, servers: Servers, name: str) -> Person:
    return await stack.enter_async_context(await Person.join(servers.url, name))


async def _story(
    plan: Plan,
    servers: Servers,
    telpher: Telpher,
    people: list[Person],
    strangers: list[Person],
    chance: random.Random,
) -> dict[str, Any]:
    account, samples = Account(), list[Sample]()
    actors = [Actor(person, random.Random(chance.random()), account) for person in people]
    seconds, database = plan.minutes * 60, telpher.data_dir / "telpher.db"
    for number, rule in enumerate(FAULTS):
        await servers.fault(**rule, **({"seed": plan.seed + number} if "probability" in rule else {}))
    began_s = time.monotonic()
    async with Nursery("soak") as nursery:
        nursery.spawn(keep_looking(lambda: telpher.pid, telpher.data_dir, samples), name="watch")
        async with asyncio.TaskGroup() as both:
            both.create_task(killing(telpher, plan.kill_every_s, seconds))
            both.create_task(keep_busy(actors, strangers, account, chance, plan.updates_per_s, seconds))
        busy_s = time.monotonic() - began_s
        faults = await servers.clear_faults()
        left = await drained(database)
        drained_s = time.monotonic() - began_s - busy_s
        tired = await settled(telpher)
    await telpher.stop()
    wrong = checks.files_that_are_wrong(account, database, await servers.files())
    facts, states = checks.database_facts(database), checks.job_states(database)
    await telpher.start()
    fresh = await settled(telpher)
    exit_code = await telpher.stop()

    wrong += [f"{left} updates, jobs or receipts are unfinished"] if left else []
    wrong += [f"not answered: {what}" for what in account.unanswered]
    wrong += [f"it ended with exit code {exit_code}"] if exit_code else []
    wrong += _growth(tired, fresh, facts, telpher.data_dir)
    hit = {
        id(reply): telpher.was_down_between(reply.asked_s, reply.asked_s + reply.took_s) for reply in account.replies
    }
    deeds = account.deeds.total()
    documents = sum("document" in message for person in people for message in person.messages if is_from_bot(message))
    sends = sum(count for name, count in states.items() if name.startswith("get_back"))
    if documents > sends + account.retries:
        wrong.append(f"{documents} files came into the chat for {sends} requests and {account.retries} retries")
    return {
        "plan": dataclasses.asdict(plan),
        "machine": dataclasses.asdict(machine.describe()),
        "people": len(people),
        "updates_per_s": deeds / seconds,
        "deeds": dict(account.deeds),
        "files": len(account.files),
        "answers": {
            "while it ran": spread([reply for reply in account.replies if not hit[id(reply)]]),
            "across a kill": spread([reply for reply in account.replies if hit[id(reply)]]),
        },
        "starts_s": telpher.starts_s,
        "drained_s": drained_s,
        "faults_struck": sum(rule.get("struck", 0) for rule in faults if rule["kind"] != "bandwidth"),
        "faults": faults,
        "jobs": states,
        "database": facts,
        "tired": dataclasses.asdict(tired),
        "fresh": dataclasses.asdict(fresh),
        "highest": {
            "memory_bytes": max(sample.memory_bytes for sample in samples),
            "descriptors": max(sample.descriptors for sample in samples),
        },
        "wrong": wrong,
        "kills_at_s": [down - began_s for down in telpher.downs],
        "samples": [dataclasses.asdict(sample) | {"at_s": sample.at_s - began_s} for sample in samples],
        "replies": [
            {
                "kind": reply.kind,
                "asked_s": reply.asked_s - began_s,
                "took_s": reply.took_s,
                "is_across_a_kill": hit[id(reply)],
            }
            for reply in account.replies
        ],
    }


def _growth(tired: Sample, fresh: Sample, facts: dict[str, int], data_dir: Path) -> list[str]:
    """What a process that has worked holds beyond one that has just begun on the same state."""
    wrong = []
    if tired.memory_bytes - fresh.memory_bytes > _MEMORY_GROWTH_BYTES:
        wrong.append(f"memory grew from {fresh.memory_bytes >> 20} to {tired.memory_bytes >> 20} MiB")
    if tired.descriptors - fresh.descriptors > _DESCRIPTOR_GROWTH:
        wrong.append(f"descriptors grew from {fresh.descriptors} to {tired.descriptors}")
    if facts["bytes of handled updates"]:
        wrong.append("handled updates keep what they said")
    if facts["free bytes"] > facts["bytes"] // 4:
        wrong.append("more than a quarter of the database holds nothing")
    if left := list(data_dir.glob("spool/*")):
        wrong.append(f"{len(left)} files are left in the spool")
    return wrong


def told(report: dict[str, Any]) -> str:
    """The report in a few lines."""
    lines = [
        (
            f"{report['people']} people, {sum(report['deeds'].values())} deeds ({report['updates_per_s']:.1f}/s), "
            f"{report['files']} files, {len(report['kills_at_s'])} kills, {report['faults_struck']} faults"
        ),
    ]
    lines += [
        f"answers {name:<14} {int(one['count']):>6}   p50 {one['p50_s']:.3f} s   p99 {one['p99_s']:.3f} s   most {one['max_s']:.3f} s"
        for name, one in report["answers"].items()
    ]
    lines += [
        f"ready again after {max(report['starts_s']):.1f} s at most; all done {report['drained_s']:.0f} s after the last deed",
        (
            f"memory {report['fresh']['memory_bytes'] >> 20} MiB fresh, {report['tired']['memory_bytes'] >> 20} MiB after it, "
            f"{report['highest']['memory_bytes'] >> 20} MiB at most (with computations)"
        ),
        (
            f"descriptors {report['fresh']['descriptors']} fresh, {report['tired']['descriptors']} after it, "
            f"{report['highest']['descriptors']} at most"
        ),
        f"database {report['database']['bytes'] / 1e6:.1f} MB",
        *(f"WRONG: {what}" for what in report["wrong"][:40]),
        f"{len(report['wrong'])} things are wrong"
        if report["wrong"]
        else "nothing lost, nothing doubled, nothing grew",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run it and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES", "10")))
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--updates-per-s", type=float, default=20.0)
    parser.add_argument("--kill-every-s", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="leave everything in this folder, to look at it afterwards")
    arguments = vars(parser.parse_args())
    keep = arguments.pop("keep")
    with contextlib.ExitStack() as stack:
        where = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="telpher-soak-")))
        where.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(soak(Plan(**arguments), where))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "soak.json").write_text(json.dumps(report, indent=1))
    draw(report, RESULTS / "soak.png")
    print(told(report))
    print(f"{RESULTS / 'soak.json'}, {RESULTS / 'soak.png'}")
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
