"""What is heavy, and not needed by a bot that is left alone, is not loaded by its start: the idle bot stays small, and is ready soon."""

from __future__ import annotations

import json
import subprocess
import sys

# Drawing, numbers, migrations, other databases, Google's own client, and all that only the tests or the sandbox need.
_HEAVY = {
    "matplotlib",
    "numpy",
    "PIL",
    "googleapiclient",
    "alembic",
    "mako",
    "psycopg",
    "asyncpg",
    "procrastinate",
    "requests",
    "multiprocessing",
    "unittest",
    "psutil",
    "tkinter",
}
_OURS = (
    "telpher.sandbox",
    "telpher.compute.plots",
    "telpher.actions.day_plot",
    "telpher.store.migrations",
)
_PROGRAM = "import json, sys, telpher.cli.run, telpher.app; print(json.dumps(sorted(sys.modules)))"


def test_nothing_heavy_is_loaded_by_the_start() -> None:
    told = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    loaded = json.loads(told.stdout)
    assert "telpher.app" in loaded
    assert not _HEAVY & {name.partition(".")[0] for name in loaded}
    assert not [name for name in loaded if name.startswith(_OURS)]
