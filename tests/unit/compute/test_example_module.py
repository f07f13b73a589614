"""The example package builds, installs beside Telpher, and its module runs by every strategy, with Telpher untouched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "telpher-module-primes"

PROGRAM = """
import asyncio, json
from telpher.compute.workshop import Workshop

async def main():
    async with Workshop(workers=2) as shop:
        module = shop.module("primes")
        values = {}
        for strategy in shop.strategies:
            if strategy.unavailable(module) is None:
                run = await shop.run("primes", {"limit": 1_000_000}, strategy.name, 3)
                values[strategy.name] = [call.value for call in run.calls]
        small = {}
        for limit in (0, 1, 2, 3, 4, 25, 1000, 65539, 70000):
            run = await shop.run("primes", {"limit": limit}, "threads", 1)
            small[limit] = (run.value, module.reference({"limit": limit}))
        said = [module.describe(168, {"limit": 1000}, language) for language in ("en", "ru")]
        print(json.dumps([values, small, said]))

asyncio.run(main())
"""


@pytest.mark.slow
def test_the_example_package_adds_a_module(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(EXAMPLE, source)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    built = subprocess.run(
        [*install, "--target", str(target), str(source)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stderr + built.stdout
    environment["PYTHONPATH"] = str(target)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    values, small, said = json.loads(ran.stdout)
    assert values.keys() >= {"linear", "threads", "processes", "naive-processes"}
    assert all(found == [78498] * 3 for found in values.values())
    assert all(found == expected for found, expected in small.values())
    assert said == [
        "There are 168 primes up to 1\N{NARROW NO-BREAK SPACE}000",
        "Простых чисел до 1\N{NARROW NO-BREAK SPACE}000: 168",
    ]
