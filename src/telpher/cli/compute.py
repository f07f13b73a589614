"""`telpher compute`: run a module in the terminal, by every strategy, with figures that anyone can reproduce."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from telpher.compute import machine, modules, pictures
from telpher.compute.figures import Spread, StrategyFigures, summarise
from telpher.compute.port import Module, Run, RunProgress, Setting, Value, in_language
from telpher.compute.workshop import Workshop
from telpher.errors import BadInputError, TelpherError
from telpher.settings import Settings

_SHOWN_CHARACTERS = 102  # a digit, the point and a hundred digits


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `compute` to the `telpher` command."""
    parser = subparsers.add_parser(
        "compute",
        help="run a compute module and compare the strategies",
        description="Run a compute module by each strategy and show the times. Without a module: list them.",
        epilog="Example: telpher compute pi terms=10000000 way=plain --strategies linear,threads --repeats 5",
    )
    parser.add_argument("module", nargs="?", help="which module, such as search or pi")
    parser.add_argument(
        "parameters", nargs="*", metavar="name=value", help="the module's parameters; the rest have defaults"
    )
    parser.add_argument("--strategies", metavar="A,B", help="which strategies; all that can be used here by default")
    parser.add_argument(
        "--calls", type=int, metavar="N", help="how many calls a run makes; the module's own number by default"
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="how often each strategy runs (default: 3)")
    parser.add_argument("--json", action="store_true", help="write everything measured as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw the comparison into this PNG file")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write the answer (such as all digits of pi) into this file"
    )
    parser.add_argument(
        "--language", choices=("en", "ru"), default="en", help="of the picture and the answer (default: en)"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """The exit code: 0, 1 when the computation failed, 2 when what was asked for is wrong."""
    if args.module is None:
        _list_modules()
        return 0
    try:
        return asyncio.run(_compare(args, settings))
    except BadInputError as error:
        print(f"telpher compute: {error}", file=sys.stderr)
        return 2
    except TelpherError as error:
        print(f"telpher compute: {error}", file=sys.stderr)
        return 1


def _list_modules() -> None:
    for module in modules.registry().values():
        print(f"{module.name}: {in_language(module.descriptions, 'en')}")
        if module.unavailable is not None:
            print(f"  cannot be used here: {in_language(module.unavailable, 'en')}")
        for parameter in module.parameters:
            allowed = " | ".join(parameter.choices) or f"{parameter.minimum} … {parameter.maximum}"
            only = "".join(f", for {name}={'|'.join(map(str, kinds))}" for name, kinds in parameter.only_for.items())
            print(f"  {parameter.name}={parameter.default}  ({in_language(parameter.titles, 'en')}: {allowed}{only})")


def _parameters(module: Module, written: Sequence[str]) -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    for one in written:
        name, equals, text = one.partition("=")
        if not equals:
            raise BadInputError(f"{one!r} should be written as name=value")
        settings[name] = module.parameter(name).parse(text)
    return settings


async def _compare(args: argparse.Namespace, settings: Settings) -> int:
    if args.repeats < 1:
        raise BadInputError("--repeats is at least 1")
    async with Workshop(settings.compute_workers) as workshop:
        module = workshop.module(args.module)
        arguments = _parameters(module, args.parameters)
        if args.strategies:
            names = [name.strip() for name in args.strategies.split(",")]
        else:
            names = [one.name for one in workshop.strategies if one.unavailable(module) is None]
        for name in names:
            workshop.check(module.name, arguments, name, args.calls)
        runs: list[Run] = []
        # In turns, so that whatever else happens on the machine meanwhile does not fall on one strategy alone.
        for repeat in range(args.repeats):
            for name in names:
                told = _Told(f"{name}, {repeat + 1} of {args.repeats}")
                runs.append(await workshop.run(module.name, arguments, name, args.calls, tell=told))
                told.wipe()
        unavailable = {
            one.name: in_language(reason, "en")
            for one in workshop.strategies
            if (reason := one.unavailable(module)) is not None
        }
        if args.plot:
            texts = pictures.texts_in(args.language, module, workshop.strategies, runs)
            args.plot.write_bytes(await pictures.draw(runs, texts))
    if args.save:
        args.save.write_text(f"{runs[0].value}\n")
    if args.json:
        print(json.dumps(_as_json(module, runs, args, unavailable), ensure_ascii=False, indent=2))
    else:
        _print_table(module, runs, args, unavailable)
    return 0


class _Told:
    """Progress on one line of the terminal, and nothing at all when the output is not one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._has_shown = False

    def __call__(self, progress: RunProgress) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{self._name}: {progress.fraction:.0%}", end="", file=sys.stderr, flush=True)
            self._has_shown = True

    def wipe(self) -> None:
        if self._has_shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _print_table(module: Module, runs: Sequence[Run], args: argparse.Namespace, unavailable: Mapping[str, str]) -> None:
    here = machine.describe()
    shown = " ".join(
        f"{parameter.name}={runs[0].arguments[parameter.name]}"
        for parameter in module.parameters
        if parameter.is_relevant(runs[0].arguments)
    )
    calls, repeats = len(runs[0].calls), args.repeats
    print(f"{module.name} {shown}: {calls} call{'s'[: calls > 1]}, {repeats} repeat{'s'[: repeats > 1]}")
    gil = "" if here.has_gil else ", no GIL"
    print(
        f"{here.processor}, {here.cores} cores ({', '.join(here.widths)}), {here.caches}, {here.system}, {here.python}{gil}"
    )
    print()
    figures = summarise(runs)
    longest = max(len(one.strategy) for one in figures)
    print(f"{'':{longest}}   {'all calls, ms':>24}   {'one call, ms':>24}   {'speed-up':>8}   workers")
    print(f"{'':{longest}}   {'median    (min … max)':>24}   {'median    (min … max)':>24}")
    for one in figures:
        speed_up = "" if one.speed_up is None else f"{one.speed_up:.2f} ×"
        print(
            f"{one.strategy:{longest}}   {_spread(one.wall)}   {_spread(one.call)}   {speed_up:>8}   {one.workers:>7}"
        )
    for name, reason in unavailable.items():
        print(f"{name}: not here: {reason}")
    print()
    print(module.describe(_short(runs[0].value), runs[0].arguments, args.language))


def _spread(spread: Spread) -> str:
    median, least, most = (f"{seconds * 1000:.4g}" for seconds in (spread.median_s, spread.min_s, spread.max_s))
    return f"{median:>8} {f'({least} … {most})':>15}"


def _short(value: Value) -> Value:
    return value[:_SHOWN_CHARACTERS] + "…" if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS else value


def _as_json(
    module: Module, runs: Sequence[Run], args: argparse.Namespace, unavailable: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "machine": dataclasses.asdict(machine.describe()),
        "module": module.name,
        "arguments": dict(runs[0].arguments),
        "calls": len(runs[0].calls),
        "repeats": args.repeats,
        "value": _short(runs[0].value),
        "strategies": [_strategy_as_json(one, runs) for one in summarise(runs)],
        "unavailable": dict(unavailable),
    }


def _strategy_as_json(figures: StrategyFigures, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "name": figures.strategy,
        "wall": dataclasses.asdict(figures.wall),
        "call": dataclasses.asdict(figures.call),
        "speed_up": figures.speed_up,
        "runs": [
            {
                "wall_s": run.wall_s,
                "calls": [{"worker": call.worker, "start_s": call.start_s, "end_s": call.end_s} for call in run.calls],
            }
            for run in runs
            if run.strategy == figures.strategy
        ],
    }
