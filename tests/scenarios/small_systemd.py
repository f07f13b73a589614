"""A service manager for tests: the few verbs of `systemctl` that install.sh uses, for one unit, without being process 1.

It reads the real unit file and keeps its promises: the environment, the credentials, readiness by NOTIFY_SOCKET, SIGTERM to stop.
`install(directory, unit)` makes the command `systemctl` in `directory`.
"""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_END_LIMIT_S = 15.0


def install(directory: Path, unit: Path) -> Path:
    """The command, ready to be put first in PATH. What it started is ended by `systemctl stop`."""
    directory.mkdir(parents=True, exist_ok=True)
    command = directory / "systemctl"
    words = [sys.executable, str(Path(__file__).resolve()), str(directory), str(unit)]
    command.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    command.chmod(0o755)
    return command


def _read(unit: Path) -> dict[str, list[str]]:
    read: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            read.setdefault(name, []).append(value)
    return read


def _environment(unit: dict[str, list[str]], directory: Path) -> dict[str, str]:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "CREDENTIALS_DIRECTORY": str(directory / "secrets")}
    environment |= dict(word.split("=", 1) for line in unit["Environment"] for word in line.split())
    for line in unit["EnvironmentFile"]:
        written = Path(line.removeprefix("-")).read_text().splitlines()
        environment |= dict(one.split("=", 1) for one in written if "=" in one and not one.startswith("#"))
    (directory / "secrets").mkdir(mode=0o700, exist_ok=True)
    for line in unit["LoadCredential"]:
        name, _, source = line.partition(":")
        (directory / "secrets" / name).write_bytes(Path(source).read_bytes())
    return environment


def _user(unit: dict[str, list[str]], directory: Path) -> str | None:
    """Whom to run it as, where that is somebody else: they then own what they have to read and write."""
    user = unit["User"][0]
    if user == getpass.getuser():
        return None
    for path in (directory / "notify", directory / "secrets", *(directory / "secrets").iterdir()):
        shutil.chown(path, user)
    return user


def _supervise(directory: Path, unit_path: Path) -> None:
    """Run the unit's command until it ends; the file `state` says how it is, `pid` whom to stop."""
    unit = _read(unit_path)
    state, address = directory / "state", directory / "notify"
    state.write_text("activating")
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, (directory / "journal").open("ab") as journal:
        heard.bind(str(address))
        heard.settimeout(0.05)
        child = subprocess.Popen(
            shlex.split(unit["ExecStart"][0]),
            cwd=unit["WorkingDirectory"][0],
            env=_environment(unit, directory) | {"NOTIFY_SOCKET": str(address)},
            user=_user(unit, directory),
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=journal,
        )
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        while child.poll() is None:
            try:
                if b"READY=1" in heard.recv(4096).split():
                    state.write_text("active")
            except TimeoutError:
                continue
    state.write_text("failed" if child.returncode else "inactive")
    (directory / "pid").unlink()


def _start(directory: Path, unit: Path) -> None:
    words = [sys.executable, __file__, str(directory), str(unit), "supervise"]
    nothing = subprocess.DEVNULL
    supervisor = subprocess.Popen(words, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing)
    (directory / "pid").write_text(str(supervisor.pid))


def _stop(directory: Path) -> None:
    pid = directory / "pid"
    if not pid.exists():
        return
    os.kill(int(pid.read_text()), signal.SIGTERM)
    ends_at = time.monotonic() + _END_LIMIT_S
    while pid.exists():
        assert time.monotonic() < ends_at, "the service did not stop"
        time.sleep(0.02)


def main(directory: Path, unit: Path, verb: str, *words: str) -> int:
    """One call of `systemctl`; the exit code."""
    state = directory / "state"
    match verb:
        case "supervise":
            _supervise(directory, unit)
        case "is-system-running":
            print("running")
        case "is-active":
            print(state.read_text() if state.exists() else "inactive")
        case "cat":
            return 0 if unit.exists() else 1
        case "stop":
            _stop(directory)
        case "restart":
            _stop(directory)
            _start(directory, unit)
        case "disable":
            if "--now" in words:
                _stop(directory)
        case "enable" | "daemon-reload":
            pass
        case _:
            raise AssertionError(f"systemctl {verb} is not known here")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
