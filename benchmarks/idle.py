"""How much an idle Telpher takes, and how soon it is ready: `PYTHON benchmarks/idle.py [--rounds N] [--idle-s S]`.

PYTHON is that of an environment with locks/run.txt alone, such as /opt/telpher/current/venv/bin/python: the development environment
brings packages that libraries import when they find them. Everything runs on loopback, beside the offline Telegram.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_READY_LIMIT_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle-s", type=float, default=20.0, help="how long each is left alone")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "telpher.cli", "sandbox", "--beside-a-parent", "--port", "0"]
        words += ["--state-dir", f"{folder}/sandbox"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sandbox:
            assert sandbox.stdout is not None
            told = json.loads(sandbox.stdout.readline())
            print(
                f"{'ready after':>12} {'CPU until':>10} {'resident':>10} {'of it own':>10} {'CPU idle':>9} {'stopped':>8}"
            )
            for _ in range(args.rounds):
                _measure(Path(folder), told, args.idle_s)
            sandbox.communicate()


def _measure(folder: Path, told: dict[str, str], idle_s: float) -> None:
    address = folder / "notify"
    address.unlink(missing_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "NOTIFY_SOCKET": str(address),
        "TELEGRAM_API_URL": told["url"],
        "TELEGRAM_TOKEN": told["token"],
        "OWNER_IDS": str(told["owner_id"]),
        "DATA_DIR": str(folder / "data"),
        "WEB_PORT": "0",
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(_READY_LIMIT_S)
        begun_s = time.monotonic()
        words = [sys.executable, "-m", "telpher.cli", "run"]
        with subprocess.Popen(words, env=environment, cwd=folder, stdout=subprocess.DEVNULL) as telpher:
            assert manager.recv(100) == b"READY=1"
            ready_s = time.monotonic() - begun_s
            start_cpu_s = _cpu_s(telpher.pid)
            time.sleep(idle_s)
            idle_share = (_cpu_s(telpher.pid) - start_cpu_s) / idle_s
            resident, own = _memory_mib(telpher.pid)
            begun_s = time.monotonic()
            telpher.terminate()
            telpher.wait()
            stopped_s = time.monotonic() - begun_s
    print(
        f"{ready_s:>10.2f} s {start_cpu_s:>8.2f} s {resident:>6.1f} MiB {own:>6.1f} MiB {idle_share:>9.2%} {stopped_s:>6.2f} s"
    )


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mib(pid: int) -> tuple[float, float]:
    """All that is resident, and what of it no file backs."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024, int(lines["RssAnon"].split()[0]) / 1024


if __name__ == "__main__":
    main()
