"""Measures what docs/io-and-cpu.md tells of, on this machine, and writes figures and pictures into both languages: `make lesson`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from telpher.compute import machine, pictures, reference
from telpher.compute.figures import StrategyFigures, summarise
from telpher.compute.modules import registry
from telpher.compute.port import CallTiming, Run
from telpher.compute.workshop import Workshop

ROOT = Path(__file__).parents[1]
PAGES = {"en": ROOT / "docs" / "io-and-cpu.md", "ru": ROOT / "docs" / "io-and-cpu.ru.md"}
IMAGES = ROOT / "docs" / "images" / "lesson"
CALLS, REPEATS = 5, 5
WAIT_S = 0.2
PYTHON_TERMS = 1_000_000

NAMES = {
    "linear": {"en": "one after another", "ru": "по очереди"},
    "asyncio": {"en": "asyncio, one thread", "ru": "asyncio, один поток"},
    "threads": {"en": "threads", "ru": "потоки"},
    "processes": {"en": "processes, kept warm", "ru": "процессы, прогретые"},
    "naive-processes": {"en": "new processes and a Manager", "ru": "новые процессы и Manager"},
}
TITLES = {
    "waiting": {"en": "Waiting: 5 answers", "ru": "Ожидание: 5 ответов"},
    "python": {"en": "Plain Python: 5 calls", "ru": "Чистый Python: 5 вызовов"},
}
WAYS = {
    "plain": {
        "en": "as in the lesson: `malloc`, fill, search, `free`",
        "ru": "как в уроке: `malloc`, заполнить, найти, `free`",
    },
    "fresh": {
        "en": "fresh memory, but huge pages and wide stores",
        "ru": "новая память, но большие страницы и широкая запись",
    },
    "warm": {"en": "memory that is kept", "ru": "память, которую не отдают"},
}


# ---- waiting


def wait(_: int) -> CallTiming:
    """What stands for an answer from the network."""
    start_s = time.perf_counter()
    time.sleep(WAIT_S)
    return _timing(f"thread {threading.get_ident()}", start_s)


async def wait_async(number: int) -> CallTiming:
    start_s = time.perf_counter()
    await asyncio.sleep(WAIT_S)
    return _timing(f"task {number}", start_s)


def _timing(worker: str, start_s: float, value: float = 0.0) -> CallTiming:
    return CallTiming(worker=worker, start_s=start_s, end_s=time.perf_counter(), value=value)


def _run(strategy: str, work: Callable[[], Sequence[CallTiming]]) -> Run:
    start_s = time.perf_counter()
    timings = work()
    wall_s = time.perf_counter() - start_s
    calls = tuple(
        CallTiming(worker=one.worker, start_s=one.start_s - start_s, end_s=one.end_s - start_s, value=one.value)
        for one in sorted(timings, key=lambda one: one.start_s)
    )
    arguments = registry()["pi"].complete({"terms": PYTHON_TERMS})
    return Run(module="pi", arguments=arguments, strategy=strategy, wall_s=wall_s, calls=calls)


def waiting() -> list[Run]:
    async def together() -> Sequence[CallTiming]:
        return await asyncio.gather(*(wait_async(number) for number in range(CALLS)))

    def in_threads() -> Sequence[CallTiming]:
        with concurrent.futures.ThreadPoolExecutor(CALLS) as executor:
            return list(executor.map(wait, range(CALLS)))

    return [
        _run("linear", lambda: [wait(number) for number in range(CALLS)]),
        _run("asyncio", lambda: asyncio.run(together())),
        _run("threads", in_threads),
    ]


# ---- computing in plain Python


def compute(_: int) -> CallTiming:
    start_s = time.perf_counter()
    value = reference.leibniz(PYTHON_TERMS)
    is_child = multiprocessing.parent_process() is not None
    return _timing(f"process {os.getpid()}" if is_child else f"thread {threading.get_ident()}", start_s, value)


def computing() -> list[Run]:
    numbers = range(CALLS)
    runs = []
    cores = machine.cores()
    context = multiprocessing.get_context("forkserver")
    with (
        concurrent.futures.ThreadPoolExecutor(cores) as threads,
        concurrent.futures.ProcessPoolExecutor(cores, context) as processes,
    ):
        list(processes.map(compute, numbers))  # the first starts the processes
        for _ in range(3):
            runs.append(_run("linear", lambda: [compute(number) for number in numbers]))
            runs.append(_run("threads", lambda: list(threads.map(compute, numbers))))
            runs.append(_run("processes", lambda: list(processes.map(compute, numbers))))
    return runs


# ---- computing in C


async def native(module: str, arguments: Mapping[str, int | str]) -> list[Run]:
    runs = []
    async with Workshop() as shop:
        names = ("linear", "threads", "processes", "naive-processes")
        for name in names:
            await shop.run(module, arguments, name, CALLS)
        for _ in range(REPEATS):
            runs += [await shop.run(module, arguments, name, CALLS) for name in names]
    return runs


async def ways() -> dict[str, float]:
    """Seconds of one call of each way to search."""
    async with Workshop() as shop:
        return {
            way: statistics.median(
                call.took_s for call in (await shop.run("search", {"way": way}, "linear", 2 * CALLS)).calls
            )
            for way in WAYS
        }


def lateness(way: str) -> list[float]:
    """How late a timer fires beside computations, in milliseconds."""
    command = [sys.executable, "-m", "benchmarks.latency.ticker", way, "pi", "3"]
    output = subprocess.run(  # noqa: S603 - our own program
        command, cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout
    return sorted(json.loads(output)["late_ms"])


# ---- writing


def _number(value: float, language: str) -> str:
    shown = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return shown.replace(".", "," if language == "ru" else ".")


def _times(figures: Sequence[StrategyFigures], language: str) -> str:
    head = {
        "en": ("", "5 calls, ms", "one call, ms", "speed-up"),
        "ru": ("", "5 вызовов, мс", "один вызов, мс", "ускорение"),
    }
    rows = [
        (
            NAMES[one.strategy][language],
            _number(one.wall.median_s * 1000, language),
            _number(one.call.median_s * 1000, language),
            f"{_number(one.speed_up or 1, language)} ×",
        )
        for one in figures
    ]
    return _table([head[language], *rows])


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" + "|--:" * (len(rows[0]) - 1) + "|")
    return "\n".join(lines)


def _ways_table(times: Mapping[str, float], language: str) -> str:
    head = {"en": ("", "a call, ms", "speed-up"), "ru": ("", "вызов, мс", "ускорение")}[language]
    rows = [
        (WAYS[way][language], _number(took_s * 1000, language), f"{_number(times['plain'] / took_s, language)} ×")
        for way, took_s in times.items()
    ]
    return _table([head, *rows])


def _lateness_table(late: Mapping[str, Sequence[float]], language: str) -> str:
    head = {
        "en": ("a timer of 5 ms is late by, ms", "half the time", "one in a hundred"),
        "ru": ("таймер на 5 мс опаздывает, мс", "в половине случаев", "в одном из ста"),
    }
    names = {
        "none": {"en": "nothing computes", "ru": "ничего не считается"},
        "handler": {"en": "computed in the handler", "ru": "считается в обработчике"},
        "threads": {"en": "in Python threads", "ru": "в потоках Python"},
        "pool": {"en": "in our pool", "ru": "в нашем пуле"},
    }
    rows = [
        (
            names[way][language],
            _number(values[len(values) // 2], language),
            _number(values[int(len(values) * 0.99)], language),
        )
        for way, values in late.items()
    ]
    return _table([head[language], *rows])


def _about(language: str) -> str:
    here = machine.describe()
    cores = f"{here.cores} cores" if language == "en" else f"ядер: {here.cores}"
    return f"{here.processor}, {cores}, {here.caches}, {here.python}"


def write(path: Path, parts: Mapping[str, str]) -> None:
    """Put each part between its marks: `<!-- measured: name -->` and `<!-- end -->`."""
    text = path.read_text()
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- measured: {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{path} has no place for {name}")
        text = pattern.sub(lambda marks, part=part: marks[1] + part + marks[2], text)
    path.write_text(text)


async def _draw(name: str, runs: Sequence[Run], module: str) -> None:
    async with Workshop() as shop:
        for language in PAGES:
            texts: Any = pictures.texts_in(language, registry()[module], shop.strategies, runs)
            if name in TITLES:
                words = {key: names[language] for key, names in NAMES.items()}
                subtitle = texts.subtitle.rpartition("\n")[2]
                texts = pictures.PictureTexts(
                    **{**vars(texts), "title": TITLES[name][language], "subtitle": subtitle, "strategies": words}
                )
            (IMAGES / f"{name}.{language}.png").write_bytes(await pictures.draw(runs, texts))


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    measured: dict[str, list[Run]] = {"waiting": waiting(), "python": computing()}
    for name, arguments in (("search", {}), ("pi", {})):
        measured[name] = asyncio.run(native(name, arguments))
    short = asyncio.run(native("pi", {"terms": 100_000}))
    way_times = asyncio.run(ways())
    late = {way: lateness(way) for way in ("none", "handler", "threads", "pool")}
    for name, runs in measured.items():
        asyncio.run(_draw(name, runs, "search" if name == "search" else "pi"))
    for language, path in PAGES.items():
        parts = {name: _times(summarise(runs), language) for name, runs in measured.items()}
        parts["short"] = _times(summarise(short), language)
        parts["ways"] = _ways_table(way_times, language)
        parts["lateness"] = _lateness_table(late, language)
        parts["machine"] = _about(language)
        write(path, parts)
        print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
