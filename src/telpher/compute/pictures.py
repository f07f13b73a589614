"""The picture of a comparison, as PNG: drawn by a short-lived child process, so that matplotlib is never resident here."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from telpher.compute import machine
from telpher.compute.crew import failure
from telpher.compute.figures import summarise
from telpher.compute.port import Module, Run, Strategy, in_language
from telpher.compute.process_pool import child_environment

_DRAWING_TIMEOUT_S = 60.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureTexts:
    """Every word in the picture. `{…}` are filled in."""

    title: str
    subtitle: str
    bars: str
    """Above the bars."""
    timeline: str
    """Above the timeline."""
    seconds: str
    milliseconds: str
    workers: Mapping[str, str]
    """What goes before a worker's number in the timeline, by the first word of its name."""
    decimal_mark: str
    strategies: Mapping[str, str]


_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "{module}: {calls}",
        "call": "{count} call",
        "calls": "{count} calls",
        "bars": "How long all calls take together",
        "timeline": "When each call ran, and where",
        "seconds": "s",
        "milliseconds": "ms",
        "thread": "thread",
        "process": "process",
        "interpreter": "interpreter",
        "task": "task",
        "decimal_mark": ".",
        "cores": "{processor} · {cores} cores · {python}",
    },
    "ru": {
        "title": "{module}: {calls}",
        "call": "{count} вызов",
        "few calls": "{count} вызова",
        "calls": "{count} вызовов",
        "bars": "Сколько длятся все вызовы вместе",
        "timeline": "Какой вызов когда и где выполнялся",
        "seconds": "с",
        "milliseconds": "мс",
        "thread": "поток",
        "process": "процесс",
        "interpreter": "интерпретатор",
        "task": "задача",
        "decimal_mark": ",",
        "cores": "{processor} · ядер: {cores} · {python}",
    },
}


def texts_in(language: str, module: Module, strategies: Sequence[Strategy], runs: Sequence[Run]) -> PictureTexts:
    """The picture's words in `language`, with English for one that we do not speak."""
    words = _WORDS.get(language, _WORDS["en"])
    here = machine.describe()
    arguments = [
        f"{in_language(parameter.titles, language)}: {_setting(parameter.choices, runs[0].arguments[parameter.name], language)}"
        for parameter in module.parameters
        if parameter.is_relevant(runs[0].arguments) and runs[0].arguments[parameter.name] not in {-1, "auto"}
    ]
    python = here.python if here.has_gil else f"{here.python}, no GIL"
    about = words["cores"].format(processor=here.processor, cores=here.cores, python=python)
    return PictureTexts(
        title=words["title"].format(
            module=in_language(module.titles, language), calls=_calls(words, len(runs[0].calls))
        ),
        subtitle=" · ".join(arguments) + "\n" + about,
        bars=words["bars"],
        timeline=words["timeline"],
        seconds=words["seconds"],
        milliseconds=words["milliseconds"],
        workers={kind: words[kind] for kind in ("thread", "process", "interpreter", "task")},
        decimal_mark=words["decimal_mark"],
        strategies={strategy.name: in_language(strategy.titles, language) for strategy in strategies},
    )


def _calls(words: Mapping[str, str], count: int) -> str:
    """`1 call`, `5 calls`; the languages that have a form for two to four use it for what ends in those, too."""
    form = "calls"
    if "few calls" not in words:
        form = "call" if count == 1 else form
    elif count % 100 not in range(11, 15):
        form = "call" if count % 10 == 1 else "few calls" if count % 10 in {2, 3, 4} else form
    return words[form].format(count=count)


def _setting(choices: Mapping[str, Mapping[str, str]], setting: object, language: str) -> str:
    if isinstance(setting, str):
        return in_language(choices[setting], language)
    return f"{setting:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


async def draw(runs: Sequence[Run], texts: PictureTexts) -> bytes:
    """A PNG 1080 pixels wide: bars of time with speed-ups, and a timeline of calls. Of several repeats the median one is drawn.

    Raises ComputationFailedError when it cannot be drawn.
    """
    order: dict[str, Any] = {"texts": dataclasses.asdict(texts), "strategies": []}
    for figures in summarise(runs):
        calls = [(call.worker, call.start_s, call.end_s) for call in figures.typical.calls]
        order["strategies"].append(
            {
                "name": figures.strategy,
                "wall_s": figures.wall.median_s,
                "wall_min_s": figures.wall.min_s,
                "wall_max_s": figures.wall.max_s,
                "typical_wall_s": figures.typical.wall_s,
                "speed_up": figures.speed_up,
                "calls": calls,
            }
        )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telpher.compute.plots"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    )
    try:
        async with asyncio.timeout(_DRAWING_TIMEOUT_S):
            picture, complaint = await process.communicate(json.dumps(order).encode())
    except TimeoutError:
        raise failure("drawing the picture took too long") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        reason = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise failure(f"the picture could not be drawn: {reason}")
    return picture
