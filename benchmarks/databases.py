"""SQLite beside PostgreSQL, as Telpher uses them: commits one after another and from many callers at once, and how soon a job starts.

Both wait for the same disk. `python -m benchmarks.databases` (needs PostgreSQL's programs) prints a table.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
from tests.databases import MISSING, PostgresqlServer, server_programs

from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import JobRun, NewJob, Payload
from telpher.jobs.turns import Lane
from telpher.store import Store, open_store
from telpher.store.schema import strangers

_COMMITS, _CALLERS, _JOBS = 400, 64, 200


async def _one_after_another(store: Store) -> float:
    began = time.perf_counter()
    for n in range(_COMMITS):
        await store.write(lambda c, n=n: c.execute(sa.insert(strangers).values(id=n, answered_ms=1)))
    return _COMMITS / (time.perf_counter() - began)


async def _many_at_once(store: Store) -> float:
    numbers = iter(range(_COMMITS, _COMMITS + 20 * _COMMITS))

    async def caller() -> None:
        for n in numbers:
            await store.write(lambda c, n=n: c.execute(sa.insert(strangers).values(id=n, answered_ms=1)))

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return 20 * _COMMITS / (time.perf_counter() - began)


async def _reads(store: Store) -> float:
    began = time.perf_counter()
    for n in range(_COMMITS):
        await store.read(lambda c, n=n: c.scalar(sa.select(strangers.c.answered_ms).where(strangers.c.id == n)))
    return _COMMITS / (time.perf_counter() - began)


async def _enqueue_to_start(store: Store) -> float:
    """The median, in milliseconds."""
    queue = EmbeddedQueue(store, [Lane(name="light", total=4, per_person=4)])
    started: dict[str, asyncio.Future[float]] = {}

    async def work(run: JobRun) -> Payload | None:
        started[run.job.key].set_result(time.perf_counter())
        return None

    queue.register("work", work)
    await queue.start()
    waits = []
    for n in range(_JOBS):
        key = f"job {n}"
        started[key] = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        await queue.enqueue(NewJob(key=key, kind="work", person_id=1, payload={}))
        waits.append(await started[key] - began)
        await asyncio.sleep(0.005)  # the last one's end is not what this measures
    await queue.stop(1.0)
    return statistics.median(waits) * 1000


async def _measure(name: str, where: Path | str) -> None:
    store = await asyncio.to_thread(open_store, where, alone=True)
    try:
        figures = [await measure(store) for measure in (_one_after_another, _many_at_once, _reads, _enqueue_to_start)]
    finally:
        await store.close()
    print(f"| {name} | {figures[0]:,.0f} | {figures[1]:,.0f} | {figures[2]:,.0f} | {figures[3]:.1f} ms |")


def main() -> None:
    """Measure both, on the disk of the temporary folder."""
    programs = server_programs()
    if programs is None:
        print(MISSING)
        return
    print(f"| | commits/s, one after another | commits/s, {_CALLERS} at once | reads/s | a job starts after (median) |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure("SQLite", Path(folder) / "telpher.db"))
    server = PostgresqlServer(programs, fsync="on", full_page_writes="on", autovacuum="on", shared_buffers="128MB")
    try:
        asyncio.run(_measure("PostgreSQL, same machine", server.new_database().where))
    finally:
        server.end()


if __name__ == "__main__":
    main()
