"""`make soak`: fifty people, twenty updates a second over every feature, faults everywhere, a kill -9 every minute.

At the end every accepted file must be in the drive once, byte for byte, every press must have been answered, and neither memory nor
descriptors nor tasks nor the database may have grown beyond what they hold. Prints how long people waited and which features were gone
through; results as JSON and PNG into benchmarks/results/. Exit code 1 when something is wrong. `SOAK_MINUTES` (or --minutes) says for
how long, 10 by default.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.soak import checks
from benchmarks.soak.account import Account, Reply
from benchmarks.soak.households import Drives, Groups, Visits, groups_of, let_in
from benchmarks.soak.people import Actor, Counted, intrude, keep_busy
from benchmarks.soak.plot import draw
from benchmarks.soak.rig import FRIEND, Servers, Telpher, connect_drives, serving
from benchmarks.soak.walks import OWNERS_WALKS, WALKS
from benchmarks.soak.watch import Sample, ask_tasks, keep_looking, look
from tests.driver import is_from_bot

from telpher.bot.handlers.register import presses
from telpher.compute import machine
from telpher.tasks import Nursery

RESULTS = Path(__file__).parents[1] / "results"
OWNERS = 5
STRANGERS = 3
VISITORS = 4
_DRAIN_LIMIT_S = 600.0
_SETTLED_AFTER_S = 35.0
_MEMORY_GROWTH_BYTES = 48 << 20
_DESCRIPTOR_GROWTH = 12
_TASK_GROWTH = 8
_BYTES_A_ROW = 2500
_EMPTY_DATABASE_BYTES = 1 << 20
_MEDIA = {"document", "photo", "video", "audio", "voice", "animation", "video_note", "sticker"}
_LONG_MINUTES = 8.0
"""In so long every feature comes about."""
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


async def settled(servers: Servers, telpher: Telpher) -> Sample:
    """What it takes when it has had nothing to do for a while."""
    await asyncio.sleep(_SETTLED_AFTER_S)
    assert telpher.pid is not None
    tasks = await ask_tasks(servers.http, telpher.metrics_url)
    sample = look(telpher.pid, telpher.data_dir, tasks)
    assert sample is not None
    return dataclasses.replace(sample, tasks=tasks)


async def soak(plan: Plan, where: Path) -> dict[str, Any]:
    """Everything; the report."""
    chance = random.Random(plan.seed)
    account = Account()
    async with contextlib.AsyncExitStack() as stack:
        servers = await stack.enter_async_context(serving(where / "sandbox"))
        people = [await _joined(stack, servers, "Person", number) for number in range(plan.people)]
        strangers = [await _joined(stack, servers, "Stranger", number) for number in range(STRANGERS)]
        visitors = [await _joined(stack, servers, "Visitor", number) for number in range(VISITORS)]
        ids = [person.user_id for person in people]
        data_dir = where / "data"
        client_file = await connect_drives(servers, data_dir, ids)
        telpher = Telpher(servers, data_dir, ids[:OWNERS], client_file, where / "telpher.log")
        await telpher.start()
        actors = [
            Actor(person, random.Random(chance.random()), account, FRIEND, is_owner=place < OWNERS)
            for place, person in enumerate(people)
        ]
        async with asyncio.TaskGroup() as inviting:
            for place, owner in enumerate(actors[:OWNERS]):
                inviting.create_task(let_in(owner, people[OWNERS + place :: OWNERS]))
        groups = await stack.enter_async_context(groups_of(servers, actors, account, chance))
        town = Town(servers, telpher, actors, visitors, strangers, account, groups, chance)
        return await _story(plan, town)


@dataclasses.dataclass(frozen=True)
class Town:
    """Everyone and everything of one soak."""

    servers: Servers
    telpher: Telpher
    actors: list[Actor]
    visitors: list[Counted]
    strangers: list[Counted]
    account: Account
    groups: Groups
    chance: random.Random

    async def anybody(self) -> None:
        """Somebody does something of their own."""
        await self.chance.choice(self.actors).act()

    async def stranger(self) -> None:
        self.account.deeds["stranger"] += 1
        await intrude(self.chance.choice(self.strangers), self.chance, self.account)


async def _joined(stack: contextlib.AsyncExitStack, servers: Servers, name: str, number: int) -> Counted:
    """Every other one speaks Russian. What the bot says to them is judged by the tests, not here: they change their languages."""
    person = await stack.enter_async_context(
        await Counted.join(servers.url, f"{name}{number}", "ru" if number % 2 else "en")
    )
    stack.callback(person.complaints.clear)
    return person


async def _story(plan: Plan, town: Town) -> dict[str, Any]:
    servers, telpher, account, chance = town.servers, town.telpher, town.account, town.chance
    samples = list[Sample]()
    for person in [*(actor.person for actor in town.actors), *town.visitors, *town.strangers]:
        person.account = account
    drives = Drives(servers, town.actors, account, chance)
    visits = Visits(town.actors[:OWNERS], town.visitors, account)
    deeds = [
        (95.0, town.anybody),
        (1.0, town.stranger),
        (1.5, town.groups.talk),
        (0.7, visits.visit),
        (0.4, drives.second),
        (0.2, drives.lose),
    ]
    seconds, database = plan.minutes * 60, telpher.data_dir / "telpher.db"
    for number, rule in enumerate(FAULTS):
        await servers.fault(**rule, **({"seed": plan.seed + number} if "probability" in rule else {}))
    began_s = time.monotonic()
    async with Nursery("soak") as nursery:
        looking = keep_looking(lambda: telpher.pid, telpher.data_dir, servers.http, telpher.metrics_url, samples)
        nursery.spawn(looking, name="watch")
        async with asyncio.TaskGroup() as both:
            both.create_task(killing(telpher, plan.kill_every_s, seconds))
            both.create_task(keep_busy(deeds, account, chance, plan.updates_per_s, seconds))
        busy_s = time.monotonic() - began_s
        faults = await servers.clear_faults()
        for person_id in list(account.logged_out):
            await drives.win_back(person_id)
        left = await drained(database)
        drained_s = time.monotonic() - began_s - busy_s
        tired = await settled(servers, telpher)
    await telpher.stop()
    wrong = checks.files_that_are_wrong(account, database, await servers.files())
    facts, states = checks.database_facts(database), checks.job_states(database)
    await telpher.start()
    fresh = await settled(servers, telpher)
    exit_code = await telpher.stop()

    people = [actor.person for actor in town.actors]
    wrong += [f"{left} updates, jobs or receipts are unfinished"] if left else []
    # Whoever asks inline while the bot is down has typed on before it is there again.
    wrong += [
        f"not answered: {what}"
        for what, asked_s in account.unanswered
        if "inline" not in what or not telpher.was_down_between(asked_s - 2, asked_s + 30)
    ]
    wrong += [f"it ended with exit code {exit_code}"] if exit_code else []
    wrong += [f"the log shows where in the code it went wrong: {line}" for line in _tracebacks(telpher)]
    wrong += _growth(tired, fresh, facts, telpher.data_dir)
    never = sorted(_features() - set(account.walked))
    if plan.minutes >= _LONG_MINUTES:
        wrong += [f"nobody came to the end of: {name}" for name in never]
    hit = {
        id(reply): telpher.was_down_between(reply.asked_s, reply.asked_s + reply.took_s) for reply in account.replies
    }
    came = sum(
        not _MEDIA.isdisjoint(message) for person in people for message in person.messages if is_from_bot(message)
    )
    asked = sum(count for name, count in states.items() if not name.startswith("save_file")) + account.sent_by_bot
    if came > asked + account.retries:
        wrong.append(f"{came} files came into the chats for {asked} requests and {account.retries} retries")
    return {
        "plan": dataclasses.asdict(plan),
        "machine": dataclasses.asdict(machine.describe()),
        "people": len(people),
        "updates_per_s": account.updates / busy_s,
        "updates": account.updates,
        "deeds": dict(account.deeds),
        "walked": dict(account.walked),
        "cut_short": dict(account.cut_short),
        "never_walked": never,
        "pressed": dict(account.pressed),
        "never_pressed": sorted(kind.__name__ for kind in presses() if kind.tag not in account.pressed),
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


def _features() -> set[str]:
    return {walk.name for walk in WALKS + OWNERS_WALKS} | {
        "keep both or the old", "cancel and retry", "visit", "second drive", "lost log-in",
    }  # fmt: skip


def _tracebacks(telpher: Telpher) -> list[str]:
    """The last line of each, once."""
    found = re.findall(r"^Traceback .*\n(?: .*\n)+(.*)", telpher.log_path.read_text(errors="replace"), re.MULTILINE)
    return sorted(set(found))


def _growth(tired: Sample, fresh: Sample, facts: dict[str, int], data_dir: Path) -> list[str]:
    """What a process that has worked holds beyond one that has just begun on the same state."""
    wrong = []
    if tired.memory_bytes - fresh.memory_bytes > _MEMORY_GROWTH_BYTES:
        wrong.append(f"memory grew from {fresh.memory_bytes >> 20} to {tired.memory_bytes >> 20} MiB")
    if tired.descriptors - fresh.descriptors > _DESCRIPTOR_GROWTH:
        wrong.append(f"descriptors grew from {fresh.descriptors} to {tired.descriptors}")
    if tired.tasks is not None and fresh.tasks is not None and tired.tasks - fresh.tasks > _TASK_GROWTH:
        wrong.append(f"tasks grew from {fresh.tasks} to {tired.tasks}")
    rows = sum(count for name, count in facts.items() if name.startswith("rows in "))
    if facts["bytes"] - facts["free bytes"] > _EMPTY_DATABASE_BYTES + rows * _BYTES_A_ROW:
        wrong.append(f"the database has {facts['bytes']} bytes for {rows} rows")
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
            f"{report['people']} people, {report['updates']} updates ({report['updates_per_s']:.1f}/s), "
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
        f"tasks {report['fresh']['tasks']} fresh, {report['tired']['tasks']} after it; database {report['database']['bytes'] / 1e6:.1f} MB",
        (
            f"{len(report['walked'])} features gone through {sum(report['walked'].values())} times"
            + (f"; not to the end: {', '.join(report['never_walked'])}" if report["never_walked"] else "")
        ),
        f"{len(report['pressed'])} kinds of buttons pressed; never: {', '.join(report['never_pressed']) or 'none'}",
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
