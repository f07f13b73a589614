"""Figures, the picture and the terminal's face of a comparison."""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from telpher.cli import compute as command
from telpher.compute import modules, pictures
from telpher.compute.figures import Spread, summarise
from telpher.compute.plots import WIDTH_PX
from telpher.compute.port import CallTiming, Run
from telpher.compute.workshop import Workshop
from telpher.settings import Settings


def _run(strategy: str, wall_s: float, workers: int = 1) -> Run:
    each_s = wall_s * workers / 4
    calls = tuple(
        CallTiming(
            worker=f"thread {i % workers}", start_s=i // workers * each_s, end_s=(i // workers + 1) * each_s, value=1
        )
        for i in range(4)
    )
    arguments = modules.registry()["pi"].complete({})
    return Run(module="pi", arguments=arguments, strategy=strategy, wall_s=wall_s, calls=calls)


def test_figures_are_medians_over_repeats() -> None:
    runs = [
        _run("linear", 4),
        _run("threads", 2, 2),
        _run("linear", 8),
        _run("threads", 1, 2),
        _run("linear", 6),
        _run("threads", 3, 2),
    ]
    linear, threads = summarise(runs)
    assert (linear.wall, linear.speed_up, linear.workers) == (Spread(6, 4, 8), 1.0, 1)
    assert (threads.wall, threads.speed_up, threads.workers) == (Spread(2, 1, 3), 3.0, 2)
    assert threads.typical.wall_s == 2
    assert threads.call == Spread(1, 0.5, 1.5)
    assert summarise([_run("threads", 2)])[0].speed_up is None


@pytest.mark.parametrize("language", ["en", "ru", "de"])
async def test_a_picture_is_as_wide_as_a_phone_and_has_its_own_background(language: str) -> None:
    runs = [_run("linear", 0.4), _run("threads", 0.2, 2)]
    strategies = Workshop(workers=2).strategies
    texts = pictures.texts_in(language, modules.registry()["pi"], strategies, runs)
    assert ("По очереди" in texts.strategies.values()) == (language == "ru")
    with Image.open(io.BytesIO(await pictures.draw(runs, texts))) as picture:
        assert picture.format == "PNG"
        assert picture.width == WIDTH_PX
        assert WIDTH_PX * 0.5 < picture.height < WIDTH_PX * 2
        assert picture.convert("RGBA").getextrema()[3] == (255, 255), "opaque, so that no chat's colour shines through"


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [
        (1, "Pi: 1 call", "Число пи: 1 вызов"),
        (3, "Pi: 3 calls", "Число пи: 3 вызова"),
        (5, "Pi: 5 calls", "Число пи: 5 вызовов"),
        (12, "Pi: 12 calls", "Число пи: 12 вызовов"),
        (21, "Pi: 21 calls", "Число пи: 21 вызов"),
    ],
)
def test_calls_are_counted_as_people_do(count: int, english: str, russian: str) -> None:
    run = _run("linear", 4)
    run = dataclasses.replace(run, calls=(run.calls[0],) * count)
    strategies = Workshop(workers=2).strategies
    for language, title in (("en", english), ("ru", russian)):
        assert pictures.texts_in(language, modules.registry()["pi"], strategies, [run]).title == title


def test_matplotlib_is_loaded_by_the_child_alone() -> None:
    import subprocess

    program = "import sys, telpher.compute.workshop, telpher.compute.pictures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env={**os.environ}, check=False).returncode == 0


def _command(*written: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["compute", *written]), Settings(compute_workers=2))


def test_the_command_compares_strategies(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plot, saved = tmp_path / "pi.png", tmp_path / "pi.txt"
    options = ["--strategies", "linear,threads", "--repeats", "2", "--plot", str(plot), "--save", str(saved)]
    assert _command("pi", "terms=1000", *options) == 0
    output = capsys.readouterr().out
    assert "pi way=plain terms=1000: 5 calls, 2 repeats" in output
    assert "π ≈ 3.140592653839" in output
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert saved.read_text().startswith("3.140592653839")


def test_the_command_writes_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        _command("search", "n=1000", "--strategies", "threads,linear", "--repeats", "2", "--calls", "3", "--json") == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert report["machine"]["cores"] >= 1
    assert (report["calls"], report["repeats"], report["value"]) == (3, 2, 999)
    assert [one["name"] for one in report["strategies"]] == ["threads", "linear"]
    assert all(len(one["runs"]) == 2 and len(one["runs"][0]["calls"]) == 3 for one in report["strategies"])


def test_the_command_lists_modules(capsys: pytest.CaptureFixture[str]) -> None:
    assert _command() == 0
    output = capsys.readouterr().out
    assert "search: Allocates" in output
    assert "terms=100000000" in output


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        (["tau"], "there is no module tau; there are: search, pi"),
        (["pi", "terms"], "name=value"),
        (["pi", "terms=many"], "terms is 'many'; it should be from 1"),
        (["pi", "--strategies", "magic"], "there is no strategy magic"),
        (["pi", "--repeats", "0"], "--repeats"),
    ],
)
def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str], written: list[str], hint: str) -> None:
    assert _command(*written) == 2
    captured = capsys.readouterr()
    assert hint in captured.err
    assert not captured.out
