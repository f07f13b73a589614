"""Where a handler's time goes: only its own steps are measured, not what it waits for, nor what else the loop does meanwhile.

A coroutine runs from one `await` to the next; the profiler is switched on for just those stretches. `Profiles` gathers them by command
as files that `pstats` and snakeviz read; `Recording` keeps every call of one run, for a flame graph.
"""

from __future__ import annotations

import cProfile
import marshal
import re
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

T = TypeVar("T")

Where = tuple[str, int, str]
"""File, line, function: as pstats names a function."""


class _Stepped(Coroutine[Any, Any, T]):
    """`coroutine`, with `begin` and `end` called around each of its steps."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._coroutine = coroutine
        self._begin = begin
        self._end = end

    def send(self, value: Any) -> Any:
        self._begin()
        try:
            return self._coroutine.send(value)
        finally:
            self._end()

    def throw(self, *error: Any) -> Any:
        self._begin()
        try:
            return self._coroutine.throw(*error)
        finally:
            self._end()

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        # `yield from` asks for no more than what stands here.
        return self

    def __iter__(self) -> _Stepped[T]:
        return self

    def __next__(self) -> Any:
        return self.send(None)


class Profiles:
    """One profile for each command, kept up to date as `<command>.prof` in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._profiles: dict[str, cProfile.Profile] = {}
        directory.mkdir(parents=True, exist_ok=True)

    async def run(self, command: str, handling: Coroutine[Any, Any, T]) -> T:
        """Await `handling`, its steps measured under `command`."""
        # One at a time can be measured on a thread, and steps never overlap: the loop takes one after the other.
        profile = self._profiles.setdefault(command, cProfile.Profile())
        return await _Stepped(handling, profile.enable, profile.disable)

    def dump(self) -> list[Path]:
        """Write the files; where they are."""
        written = []
        for command, profile in self._profiles.items():
            path = self._directory / f"{_file_name(command)}.prof"
            profile.dump_stats(path)
            written.append(path)
        return written


class Call:
    """A function, called from one place in the tree: how often, and how long it took with all that it called."""

    __slots__ = ("called", "count", "total_s", "where")

    def __init__(self, where: Where) -> None:
        self.where = where
        self.count = 0
        self.total_s = 0.0
        self.called: dict[Where, Call] = {}

    @property
    def own_s(self) -> float:
        """Without what it called."""
        return max(0.0, self.total_s - sum(call.total_s for call in self.called.values()))


class Recording:
    """Every call of one run, as a tree from `root` on. Slower than `Profiles`, and it knows who called whom, all the way."""

    def __init__(self) -> None:
        self.root = Call(("~", 0, "handler"))
        self._stack: list[tuple[Call, float]] = []

    @property
    def calls(self) -> int:
        """How many calls were recorded."""
        return _count(self.root) - 1

    async def run(self, handling: Coroutine[Any, Any, T]) -> T:
        """Await `handling` and record its steps."""
        return await _Stepped(handling, self._begin, self._end)

    def stats(self) -> bytes:
        """What pstats loads: {function: (calls, calls not from itself, own seconds, seconds, {caller: the same})}."""
        flat: dict[Where, list[Any]] = {}
        self._flatten(self.root, (), flat)
        return marshal.dumps({where: (*figures[:4], figures[4]) for where, figures in flat.items()})

    def _begin(self) -> None:
        self._stack = [(self.root, time.perf_counter())]
        self.root.count = 1
        sys.setprofile(self._on_event)

    def _end(self) -> None:
        sys.setprofile(None)
        now_s = time.perf_counter()
        while self._stack:
            self._leave(now_s)

    def _on_event(self, frame: FrameType, event: str, argument: Any) -> None:
        now_s = time.perf_counter()
        if event == "call":
            self._enter(_where(frame.f_code), now_s)
        elif event == "c_call":
            module = getattr(argument, "__module__", None)
            name = getattr(argument, "__qualname__", repr(type(argument)))
            self._enter(("~", 0, f"<{module}.{name}>" if module else f"<{name}>"), now_s)
        elif len(self._stack) > 1:  # the frames that we were called from return too
            self._leave(now_s)

    def _enter(self, where: Where, now_s: float) -> None:
        called = self._stack[-1][0].called
        call = called.get(where)
        if call is None:
            call = called[where] = Call(where)
        call.count += 1
        self._stack.append((call, now_s))

    def _leave(self, now_s: float) -> None:
        call, begun_s = self._stack.pop()
        call.total_s += now_s - begun_s

    def _flatten(self, call: Call, above: tuple[Where, ...], flat: dict[Where, list[Any]]) -> None:
        figures = flat.setdefault(call.where, [0, 0, 0.0, 0.0, {}])
        is_outermost = call.where not in above
        calls = (call.count, call.count if is_outermost else 0, call.own_s, call.total_s if is_outermost else 0.0)
        # pstats has the calls that are not a function calling itself first.
        for index, amount in enumerate((calls[1], calls[0], calls[2], calls[3])):
            figures[index] += amount
        if above:
            before = figures[4].get(above[-1], (0, 0, 0.0, 0.0))
            more = (calls[1], calls[0], calls[2], calls[3])
            figures[4][above[-1]] = tuple(a + b for a, b in zip(before, more, strict=True))
        for inner in call.called.values():
            self._flatten(inner, (*above, call.where), flat)


class OneRun:
    """Records the next run of one command, when somebody has asked for it."""

    def __init__(self) -> None:
        self._waiting: dict[str, Callable[[Recording], Awaitable[None]]] = {}

    def ask(self, command: str, tell: Callable[[Recording], Awaitable[None]]) -> None:
        """Record `command` when it runs next, and await `tell` with the recording. A later asker takes an earlier one's place."""
        self._waiting[command] = tell

    async def run(self, command: str, handling: Coroutine[Any, Any, None]) -> bool:
        """Await `handling`, recorded if somebody waits for that; whether it was."""
        tell = self._waiting.pop(command, None)
        if tell is None:
            await handling
            return False
        recording = Recording()
        await recording.run(handling)
        await tell(recording)
        return True


def _count(call: Call) -> int:
    return call.count + sum(map(_count, call.called.values()))


def _where(code: CodeType) -> Where:
    return code.co_filename, code.co_firstlineno, code.co_qualname


def _file_name(command: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", command.lower()).strip("_") or "nothing"
