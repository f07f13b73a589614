"""Who runs a module's calls: pools that take calls from the event loop and give each back as a future, never blocking the loop."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Protocol

from telpher.compute.kernels.pool import Control, LongAnswer, Outcome
from telpher.compute.port import Arguments, CallCancelledError, CallTiming, Module, Value
from telpher.errors import ComputationFailedError, MemoryShortError

_OK, _CANCELLED, _NO_MEMORY, _UNSUPPORTED, _BAD_ARGUMENT = range(5)  # telpher_kernel.h

_REASONS = {
    _UNSUPPORTED: "this machine or this build lacks what was asked for",
    _BAD_ARGUMENT: "an argument is out of the kernel's bounds",
}


@dataclasses.dataclass(frozen=True)
class Call:
    """A call on its way. `timing` ends with its times (seconds of `time.perf_counter`), or with what went wrong.

    Cancelling `timing` tells the kernel to stop too, but nobody then hears when it has: `settle` waits for that.
    """

    control: Control
    timing: asyncio.Future[CallTiming]

    def __post_init__(self) -> None:
        self.timing.add_done_callback(lambda timing: self.control.cancel() if timing.cancelled() else None)

    def answer(self, timing: CallTiming) -> None:
        """End with this, unless nobody waits any more."""
        if not self.timing.done():
            self.timing.set_result(timing)

    def fail(self, error: Exception) -> None:
        """End with this, unless nobody waits any more."""
        if not self.timing.done():
            self.timing.set_exception(error)


class Pool(Protocol):
    """Some workers. Calls begin in the order in which they were submitted, as workers become free."""

    def submit(self, module: Module, arguments: Arguments) -> Call:
        """Queue a call; returns at once."""

    async def close(self) -> None:
        """Stop what runs, end the workers."""


def failure(reason: str) -> ComputationFailedError:
    """The error that says why a computation ended without an answer."""
    return ComputationFailedError(reason, reason=reason)


def value_of(module: Module, arguments: Arguments, outcome: Outcome) -> Value:
    """What a native call answered; raises what its status means. With a long answer that takes its time: not on the loop."""
    status, integer, real, content = outcome[:4]
    if status == _OK and module.native is not None:
        return module.native.decode(integer, real, content.take() if isinstance(content, LongAnswer) else content)
    if status == _CANCELLED:
        raise CallCancelledError
    if status == _NO_MEMORY:
        raise MemoryShortError(
            "the kernel could not allocate", needed_bytes=module.memory_bytes(arguments), free_bytes=0
        )
    raise failure(_REASONS.get(status, f"the kernel gave up with status {status}"))


async def settle(calls: Sequence[Call]) -> None:
    """Tell calls to stop and wait until they have, however often this task is cancelled meanwhile."""
    for call in calls:
        call.control.cancel()
    while pending := [call.timing for call in calls if not call.timing.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError:
            continue
    for call in calls:
        if not call.timing.cancelled():
            call.timing.exception()  # heard: no "exception was never retrieved" for calls that nobody waits for any more
