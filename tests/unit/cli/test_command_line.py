"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from telpher import __version__
from telpher.cli import COMMANDS, main


def _telpher(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "telpher.cli", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command} " in shown, command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 3


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: telpher" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"telpher {__version__}\n"


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fly"])
    assert ended.value.code == 2
    assert "fly" in capsys.readouterr().err


def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OWNER_IDS=me\n")
    ended = _telpher("run", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert "OWNER_IDS" in ended.stderr


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys; from telpher.cli import COMMANDS, main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(ended.stdout.splitlines()[-1].strip("[]").replace("'", "").split(", "))
    assert not loaded & {"aiohttp", "telegram", "sqlalchemy", "google.auth", "matplotlib", "numpy"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com"])
def test_the_sandbox_stays_on_this_machine(host: str, tmp_path: Path) -> None:
    ended = _telpher("sandbox", "--host", host, cwd=tmp_path)
    assert ended.returncode == 2
    assert "loopback" in ended.stderr


@pytest.mark.parametrize("database", ["telegram/ledger.sqlite3", "google/google.sqlite3"])
def test_a_sandbox_of_another_version_is_left_alone_in_one_line(database: str, tmp_path: Path) -> None:
    left = tmp_path / "state" / database
    left.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(left)) as earlier:
        earlier.execute("CREATE TABLE messages (id INTEGER)")
    before = left.read_bytes()

    ended = _telpher("sandbox", "--port", "0", "--state-dir", str(tmp_path / "state"), cwd=tmp_path)

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"{left.parent} was written by another version" in ended.stderr
    assert left.read_bytes() == before
