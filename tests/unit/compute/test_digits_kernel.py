"""Digits of pi agree with plain Python, and at a million with a digest that many independent computations share."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telpher.compute import modules, python_threads, reference
from telpher.compute.kernels import pool
from telpher.compute.workshop import Workshop

MODULE = modules.registry()["digits"]
pytestmark = pytest.mark.skipif(MODULE.unavailable is not None, reason="built without GMP: install libgmp-dev")
REFERENCE = reference.pi_digits(4200)


def call(digits: int, threads: int, control: pool.Control | None = None) -> str:
    arguments = {"digits": digits, "threads": threads}
    return str(python_threads.call_module(MODULE, arguments, control or pool.Control()))


def test_the_reference_is_right() -> None:
    assert REFERENCE.startswith("3.14159265358979323846264338327950288419716939937510")
    # The six nines at 762, which Feynman is said to have wanted to recite up to.
    assert REFERENCE[763:769] == "999999"


@settings(deadline=None, max_examples=60)
@given(digits=st.integers(1, 4200), threads=st.sampled_from([1, 2, 3, 8]))
def test_digits_agree_with_the_reference(digits: int, threads: int) -> None:
    assert call(digits, threads) == REFERENCE[: digits + 2]


@pytest.mark.parametrize("threads", [1, 2])
def test_golden_digits(threads: int) -> None:
    digits = call(1_000_000, threads)
    assert len(digits) == 1_000_002
    assert digits.endswith("5779458151")
    assert digits[:100_002] == call(100_000, 3), "computed with other numbers, to the same digits"
    assert digits[100_002 - 10 : 100_002] == "5493624646"
    assert hashlib.sha256(digits.encode()).hexdigest() == GOLDEN_SHA256


GOLDEN_SHA256 = "dd382ef6a0c1e8d920fb72f482d74826251ab97709520bc24f913cd8eb5fc839"


def test_progress_is_told_and_ends_near_the_whole() -> None:
    control = pool.Control()
    call(50_000, 1, control)
    work = MODULE.work({"digits": 50_000, "threads": 1})
    assert 0.8 * work < control.done < 1.2 * work


async def test_a_cancelled_computation_returns_and_frees_its_threads() -> None:
    before = _threads()
    async with Workshop(workers=2) as shop:
        running = asyncio.create_task(shop.run("digits", {"digits": 20_000_000, "threads": 2}, "threads", 1))  # noqa: TID251 - the test's own
        await asyncio.sleep(0.3)
        running.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert time.monotonic() - started < 10  # no timing claim: only that it did not run to its end
        assert (await shop.run("digits", {"digits": 50, "threads": 1}, "linear", 1)).value == REFERENCE[:52]
    deadline = time.monotonic() + 60
    while _threads() > before:  # one that is inside a long product ends after it
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def _threads() -> int:
    """How many of this process compute: those at idle priority."""
    tasks = [int(task.name) for task in Path("/proc/self/task").iterdir()]
    return len([task for task in tasks if os.sched_getscheduler(task) == os.SCHED_IDLE])


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="the sanitiser needs the address space that is limited here")
def test_a_failed_allocation_is_survived() -> None:
    # In a process of its own, whose memory nobody has stretched before.
    program = """
import psutil, resource, time
from telpher.compute.kernels import digits, pool
room = psutil.Process().memory_info().vms + (16 << 20)
resource.setrlimit(resource.RLIMIT_AS, (room, room))
assert pool.call(digits.kernel(), (2_500_000, 2), pool.Control())[0] == 2
for _ in range(200):
    # The threads of the call before may still be leaving, with stacks that count.
    outcome = pool.call(digits.kernel(), (100, 2), pool.Control())
    if outcome[0] == 0:
        break
    time.sleep(0.05)
assert outcome[3].endswith(b"679")
print("survived")
"""
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert child.stdout == "survived\n", child.stderr


async def test_long_answers_travel_between_processes() -> None:
    async with Workshop(workers=1) as shop:
        for strategy in ("processes", "naive-processes"):
            run = await shop.run("digits", {"digits": 20_000, "threads": 1}, strategy, 1)
            assert str(run.value)[:4202] == REFERENCE
            assert len(str(run.value)) == 20_002


def test_the_kernel_refuses_what_is_out_of_its_bounds() -> None:
    assert MODULE.native is not None
    for arguments in [(0, 1), (10, 0), (10, 65), (10**10, 1)]:
        assert pool.call(MODULE.native.function, arguments, pool.Control())[0] == 4
