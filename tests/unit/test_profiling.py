"""Profiles of coroutines: their own steps, across awaits, and nothing that runs in between."""

from __future__ import annotations

import asyncio
import pstats
import re
from pathlib import Path

import pytest

from telpher import flames
from telpher.profiling import Call, OneRun, Profiles, Recording


def _busy(rounds: int) -> int:
    return sum(number * number for number in range(rounds))


async def _inner() -> int:
    _busy(2000)
    await asyncio.sleep(0.01)
    return _busy(2000)


async def _handler() -> str:
    await _inner()
    await asyncio.sleep(0)
    _busy(2000)
    return "done"


async def _someone_else(stop: asyncio.Event) -> None:
    while not stop.is_set():
        _loud(500)
        await asyncio.sleep(0)


def _loud(rounds: int) -> int:
    return _busy(rounds)


def _calls(path: Path, name: str) -> int:
    stats = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    return sum(figures[1] for (_, _, function), figures in stats.items() if function == name)


async def test_a_profile_holds_the_handlers_steps_and_no_others(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path / "profiles")
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_someone_else(stop))
        assert await profiles.run("/files", _handler()) == "done"
        assert await profiles.run("/files", _handler()) == "done"
        await profiles.run("press show_entry", _inner())
        stop.set()
    paths = {path.name: path for path in profiles.dump()}
    assert set(paths) == {"files.prof", "press_show_entry.prof"}
    assert _calls(paths["files.prof"], "_busy") == 6
    assert _calls(paths["files.prof"], "_loud") == 0
    assert _calls(paths["press_show_entry.prof"], "_busy") == 2


async def test_two_at_once_are_told_apart(tmp_path: Path) -> None:
    profiles = Profiles(tmp_path)
    await asyncio.gather(profiles.run("/a", _handler()), profiles.run("/b", _inner()))
    paths = {path.name: path for path in profiles.dump()}
    assert _calls(paths["a.prof"], "_busy") == 3
    assert _calls(paths["b.prof"], "_busy") == 2


async def test_what_a_handler_raises_comes_through_and_it_can_be_cancelled(tmp_path: Path) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("nothing there")

    profiles = Profiles(tmp_path)
    with pytest.raises(LookupError):
        await profiles.run("/a", fails())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(profiles.run("/a", asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()


def _find(call: Call, name: str) -> list[Call]:
    found = [call] if call.where[2] == name else []
    return found + [one for inner in call.called.values() for one in _find(inner, name)]


async def test_a_recording_knows_who_called_whom(tmp_path: Path) -> None:
    recording = Recording()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_someone_else(stop))
        assert await recording.run(_handler()) == "done"
        stop.set()
    (handler,) = _find(recording.root, "_handler")
    (inner,) = _find(handler, "_inner")
    assert sum(call.count for call in _find(inner, "_busy")) == 2
    assert sum(call.count for call in _find(handler, "_busy")) == 3
    assert not _find(recording.root, "_loud")
    assert inner.total_s <= handler.total_s <= recording.root.total_s
    (tmp_path / "run.prof").write_bytes(recording.stats())
    assert _calls(tmp_path / "run.prof", "_busy") == 3


async def test_a_recording_holds_what_a_handler_did_and_not_what_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("telpher.profiling.time.perf_counter", lambda: now_s)

    def takes(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    async def inner() -> None:
        takes(1)
        asyncio.get_running_loop().call_soon(takes, 1000)
        await asyncio.sleep(0)
        takes(2)

    async def handler() -> None:
        takes(4)
        await inner()

    recording = Recording()
    await recording.run(handler())
    (whole,), (inside,) = (_find(recording.root, function.__qualname__) for function in (handler, inner))
    assert (recording.root.total_s, whole.total_s, inside.total_s) == (7, 7, 3)


async def test_a_function_that_calls_itself_is_counted_once(tmp_path: Path) -> None:
    def down(steps: int) -> int:
        return down(steps - 1) if steps else 0

    async def handler() -> None:
        down(4)

    recording = Recording()
    await recording.run(handler())
    (tmp_path / "run.prof").write_bytes(recording.stats())
    stats = pstats.Stats(str(tmp_path / "run.prof")).stats  # type: ignore[attr-defined]
    ((primitive, all_calls, _, _, callers),) = [
        figures for (_, _, name), figures in stats.items() if name.endswith("down")
    ]
    assert (primitive, all_calls) == (1, 5)
    assert len(callers) == 2


async def test_the_flame_graph_is_a_page_of_its_own() -> None:
    recording = Recording()
    await recording.run(_handler())
    page = flames.page(recording, "/files <now>", flames.FlameWords("ru", "Долго <и>", "Нажмите"))
    assert "/files &lt;now&gt;" in page
    assert "Долго &lt;и&gt;" in page
    assert "://" not in page
    widths = [float(width) for width in re.findall(r'data-w="([\d.]+)"', page)]
    assert widths[0] == 1
    assert all(0 < width <= 1 for width in widths)
    assert "_busy" in page


async def test_only_the_next_run_is_recorded() -> None:
    one_run = OneRun()
    told: list[Recording] = []

    async def tell(recording: Recording) -> None:
        told.append(recording)

    async def handling() -> None:
        await _inner()

    one_run.ask("/files", tell)
    assert not await one_run.run("/jobs", handling())
    assert await one_run.run("/files", handling())
    assert not await one_run.run("/files", handling())
    assert len(told) == 1
    assert _find(told[0].root, "_inner")
