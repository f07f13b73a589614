"""The transfer against a drive and a source that may fail at each call, expiring sessions, Cancel, kills between any two steps."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.engine import Connection
from tests.unit.transfers.model import Fault, ModelDrive, ModelSource, SourceFault

from telpher.drives.port import Entry
from telpher.errors import TelpherError
from telpher.store import Store, open_store
from telpher.transfers import journey
from telpher.transfers.carrier import Carrier
from telpher.transfers.patience import PatienceLimits
from telpher.transfers.port import TransferId, TransferRequest

T = TypeVar("T")

ID = TransferId("bot:chat:message")
FAULTS = st.lists(st.sampled_from([Fault.NONE, Fault.NONE, *Fault]), max_size=12)
THEN_AWAY = st.builds(
    lambda calls, last: [Fault.NONE] * calls + [last] + [Fault.BEFORE] * 9,
    st.integers(0, 3),
    st.sampled_from([Fault.BEFORE, Fault.AFTER, Fault.PART, Fault.SHORT, Fault.LATE]),
)
"""A few calls go well, one does not, and then the drive is away: what was begun stays begun."""
SOURCE_FAULTS = st.lists(st.sampled_from([SourceFault.NONE, SourceFault.NONE, *SourceFault]), max_size=4)
CUTS = st.lists(st.integers(0, 7999), max_size=4)
CALLS = (
    "commit",
    "committed",
    "open_source",
    "open",
    "piece",
    "begin",
    "send",
    "chunk",
    "received",
    "upload_small",
    "stat",
    "delete",
    "cancel",
)


class TransferMachine(RuleBasedStateMachine):
    """One file, accepted once. Whatever happens, it is in the drive at most once; and once nothing fails any more, exactly once."""

    empty_database: Path

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._directory = Path(tempfile.mkdtemp(prefix="transfer-"))
        self._database = self._directory / "telpher.db"
        shutil.copy(self.empty_database, self._database)
        self._store: Store | None = None
        self._carrier: Carrier | None = None
        self._end: Entry | None = None

    @initialize(
        size_bytes=st.sampled_from([0, 1, 900, 1000, 1001, 8000, 8001]),
        is_told=st.booleans(),
        has_range=st.booleans(),
        is_local=st.sampled_from([False, False, True]),
    )
    def accept(self, size_bytes: int, is_told: bool, has_range: bool, is_local: bool) -> None:
        content = random.Random(size_bytes).randbytes(size_bytes)
        self._drive = ModelDrive()
        self._source = ModelSource(content, told_size=-1 if is_told else None)
        self._source.honours_range = has_range
        if is_local:
            self._source.path = self._directory / "local"
            self._source.path.write_bytes(content)
        self._request = TransferRequest(
            id=ID,
            person_id=1,
            source_ref="{}",
            parent_id=None,
            name="a.bin",
            mime_type="text/plain",
            size_bytes=size_bytes if is_told else None,
            modified_at=None,
        )
        self._start()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asyncio.wait_for(work, 20))

    def _start(self) -> None:
        async def start() -> None:
            self._store = open_store(self._database)
            self._tell_of_commits(self._store)
            self._carrier = Carrier(
                self._store,
                spool_dir=self._directory / "spool",
                spool_limit_bytes=1 << 30,
                headroom_bytes=0,
                find_drive=self._find_drive,
                patience=PatienceLimits(attempts=2, base_s=0, cap_s=0, landing_s=0),
            )

        self._run(start())

    def _tell_of_commits(self, store: Store) -> None:
        write = store.write

        async def told(work: Callable[[Connection], T]) -> T:
            self._drive.script.on_call("commit")
            await asyncio.sleep(0)  # where a kill that was heard takes place
            written = await write(work)
            self._drive.script.on_call("committed")
            await asyncio.sleep(0)
            return written

        store.write = told  # type: ignore[method-assign, assignment]

    async def _find_drive(self, person_id: int, name: str) -> ModelDrive:
        return self._drive

    async def _carry(self) -> Entry:
        assert self._carrier is not None
        return await self._carrier.carry(
            self._request, drive=self._drive, open_source=self._source, tell=lambda _: None
        )

    @precondition(lambda self: self._end is None)
    @rule(faults=FAULTS, of_source=SOURCE_FAULTS, cuts=CUTS)
    def attempt(self, faults: list[Fault], of_source: list[SourceFault], cuts: list[int]) -> None:
        """A run of the job; what it raises would be the queue's."""
        self._end = self._among_faults(self._carry(), faults, of_source, cuts) or self._end

    @precondition(lambda self: self._end is None)
    @rule(faults=THEN_AWAY)
    def attempt_that_gets_somewhere(self, faults: list[Fault]) -> None:
        """And then no further."""
        self._end = self._among_faults(self._carry(), faults, [], []) or self._end

    @precondition(lambda self: self._end is None)
    @rule(faults=FAULTS, of_source=SOURCE_FAULTS, call=st.sampled_from(CALLS), count=st.integers(1, 6))
    def attempt_that_is_killed(self, faults: list[Fault], of_source: list[SourceFault], call: str, count: int) -> None:
        """The process dies at some instant: nothing runs on, and a new one finds what was committed."""
        running = self._until_killed(self._carry(), call, count)
        self._end = self._among_faults(running, faults, of_source, []) or self._end
        self.restart()

    def _among_faults(
        self, work: Coroutine[Any, Any, T], faults: list[Fault], of_source: list[SourceFault], cuts: list[int]
    ) -> T | None:
        self._drive.script.faults = iter(faults)
        self._source.faults, self._source.cuts = of_source, cuts
        try:
            return self._run(work)
        except TelpherError:
            return None
        finally:
            self._drive.script.faults = iter(())
            self._source.faults, self._source.cuts = [], []

    async def _until_killed(self, work: Coroutine[Any, Any, T], call: str, count: int) -> T | None:
        running = asyncio.get_running_loop().create_task(work)
        heard = 0

        def listen(what: str) -> None:
            nonlocal heard
            heard += what == call
            if heard == count:
                running.cancel()

        self._drive.script.on_call = self._source.on_call = listen
        try:
            return await running
        except asyncio.CancelledError:
            return None
        finally:
            self._drive.script.on_call = self._source.on_call = lambda _: None

    @rule()
    def all_sessions_expire(self) -> None:
        """As each does after a week."""
        self._drive.sessions.clear()

    @rule()
    def restart(self) -> None:
        self._stop()
        self._start()

    @rule()
    def job_runs_twice(self) -> None:
        """It had ended, but the queue did not come to know."""
        if self._end is not None and self._source.path is None:
            assert self._run(self._carry()) == self._end

    @precondition(lambda self: self._end is None and self._source.path is None)
    @rule(faults=st.one_of(FAULTS, THEN_AWAY), call=st.sampled_from([None, *CALLS]), count=st.integers(1, 3))
    def cancel_and_retry(self, faults: list[Fault], call: str | None, count: int) -> None:
        """What it leaves is freed sooner or later, however often that fails or is killed; the queue sees to it."""
        if call is None:
            self._among_faults(self._discard(), faults, [], [])
        else:
            self._among_faults(self._until_killed(self._discard(), call, count), faults, [], [])
            self.restart()
        self._run(self._discard())
        assert self._drive.alive() == []
        # A session whose beginning was never answered stays until it expires; it holds nothing, and nobody knows its address.
        assert [
            partial for partial in self._drive.sessions.values() if partial.content and partial.landed is None
        ] == []
        assert list((self._directory / "spool").iterdir()) == []

    async def _discard(self) -> None:
        assert self._carrier is not None
        await self._carrier.discard(ID)

    @invariant()
    def at_most_once(self) -> None:
        if hasattr(self, "_drive"):
            sound = [entry for entry in self._drive.alive() if self._drive.content(entry.id) == self._source.content]
            assert len(sound) <= 1
            assert len(self._drive.alive()) <= 1

    def _stop(self) -> None:
        async def stop() -> None:
            assert self._carrier is not None
            assert self._store is not None
            await self._carrier.close()
            await self._store.close()

        if self._store is not None:
            self._run(stop())

    def teardown(self) -> None:
        if hasattr(self, "_drive"):
            entry = self._end or self._run(self._carry())
            assert self._drive.alive() == [entry]
            assert self._drive.content(entry.id) == self._source.content
            assert list((self._directory / "spool").iterdir()) == []
            assert self._source.path is None or not self._source.path.exists()
        self._stop()
        self._runner.close()
        shutil.rmtree(self._directory)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.timeout(300)
def test_whatever_fails_the_file_arrives_exactly_once(empty_database: Path) -> None:
    TransferMachine.empty_database = empty_database
    assert journey.SMALL_BYTES == 1000
    run_state_machine_as_test(
        TransferMachine,
        settings=settings(
            max_examples=120,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
