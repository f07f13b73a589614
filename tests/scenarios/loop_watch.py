"""Catches code of ours that stands in the event loop's way: promise 2 is that the bot always answers.

A thread looks at the loop every few milliseconds. A callback that has used 50 ms of the processor, or that has slept through half a
second, is reported with the place it was at; time that a busy machine gave to others does not count.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Self

import telpher

_PRODUCT = str(Path(telpher.__file__).parent)
_NOT_OURS = str(Path(telpher.__file__).parent / "sandbox")
_LOOK_EVERY_S = 0.01


class LoopWatch:
    """`with LoopWatch(loop) as watch: …` fills `watch.blocked` with descriptions, one for each callback that stood too long."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, cpu_limit_s: float = 0.05, asleep_limit_s: float = 0.5
    ) -> None:
        self._loop = loop
        self._cpu_limit_s = cpu_limit_s
        self._asleep_limit_s = asleep_limit_s
        self._thread_id = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread_id)
        self._beats = 0
        # What the collector takes grows with everything that the test run has loaded (hypothesis, earlier tests): it is not ours.
        self._collecting_since_s: float | None = None
        self._collected_s = 0.0
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="loop-watch", daemon=True)
        self.blocked: list[str] = []

    def __enter__(self) -> Self:
        gc.callbacks.append(self._collecting)
        self._watcher.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        gc.callbacks.remove(self._collecting)
        self._is_over.set()
        self._watcher.join()

    def _collecting(self, phase: str, _info: dict[str, int]) -> None:
        if threading.get_ident() != self._thread_id:
            return
        now_s = time.clock_gettime(self._clock)
        if phase == "start":
            self._collecting_since_s = now_s
        elif self._collecting_since_s is not None:
            self._collected_s += now_s - self._collecting_since_s
            self._collecting_since_s = None

    def _used_s(self) -> float:
        """Processor time of the watched thread without the collector's."""
        now_s, since_s = time.clock_gettime(self._clock), self._collecting_since_s
        return (now_s if since_s is None else min(now_s, since_s)) - self._collected_s

    def _beat(self) -> None:
        self._beats += 1

    def _watch(self) -> None:
        while not self._is_over.is_set():
            seen, began_s, cpu_s = self._beats, time.monotonic(), self._used_s()
            try:
                self._loop.call_soon_threadsafe(self._beat)
            except RuntimeError:  # the loop has closed
                return
            is_reported = False
            while self._beats == seen and not self._is_over.wait(_LOOK_EVERY_S):
                used_s, waited_s = self._used_s() - cpu_s, time.monotonic() - began_s
                # One beat may have to wait for the callback before it, too: both together may use no more than two limits.
                is_asleep = self._collecting_since_s is None and used_s < 0.1 * waited_s
                is_too_long = used_s > 2 * self._cpu_limit_s or (waited_s > self._asleep_limit_s and is_asleep)
                if is_too_long and not is_reported and (place := self._place()):
                    is_reported = True
                    self.blocked.append(
                        f"{used_s * 1000:.0f} ms of processor, {waited_s * 1000:.0f} ms in all, at:\n{place}"
                    )
            self._is_over.wait(_LOOK_EVERY_S)

    def _place(self) -> str | None:
        """The stack when code of ours is in it (and no code of the sandbox, which runs in the same loop), else None."""
        frame = sys._current_frames().get(self._thread_id)
        stack = traceback.extract_stack(frame)
        files = [line.filename for line in stack]
        # An idle loop, and a loop whose thread merely waits for a turn, is inside its selector, or below the runner in C.
        if (
            not files
            or files[-1].endswith(("selectors.py", "runners.py"))
            or any(name.startswith(_NOT_OURS) for name in files)
        ):
            return None
        if not any(name.startswith(_PRODUCT) for name in files):
            return None
        return "".join(traceback.format_list(stack[-8:]))
