"""What a newcomer does, on a clean clone with an empty home: `make run`, chat in the browser's way, see a file arrive, stop, start again.

Run by `.ci/run` from the clone's root. Prints what it saw; any surprise ends it with an error.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 300.0
ANSWER_LIMIT_S = 30.0


def start(clone: Path, home: Path) -> tuple[subprocess.Popen[str], str, float]:
    """`make run`; the process, the chat page's address, and how long it took to be ready."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TELEGRAM", "VIRTUAL_ENV", "TOKEN"))
    }
    begun = time.monotonic()
    process = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env={**environment, "HOME": str(home), "SANDBOX_PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        print("   ", line.rstrip())
        if found := re.search(r"chat with it at\s+(http://\S+/)", line):
            return process, found[1], time.monotonic() - begun
        if time.monotonic() - begun > START_LIMIT_S:
            break
    raise SystemExit("`make run` told no address of a chat page")


def stop(process: subprocess.Popen[str]) -> float:
    """Ctrl-C in the terminal, which reaches the whole group; how long it took."""
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.wait(10)
    return time.monotonic() - begun


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body = answer.read()
        return json.loads(body) if "json" in answer.headers["Content-Type"] else body.decode()


def send_file(page: str, user_id: int, name: str, content: bytes) -> None:
    boundary = "a-boundary-of-our-own"
    parts = f'--{boundary}\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n{user_id}\r\n'
    parts += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    parts += "Content-Type: application/octet-stream\r\n\r\n"
    body = parts.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    urllib.request.urlopen(urllib.request.Request(f"{page}chat/api/files", body, headers), timeout=30).close()


def wait_for(what: str, look: Any) -> Any:
    ends = time.monotonic() + ANSWER_LIMIT_S
    while time.monotonic() < ends:
        if seen := look():
            return seen
        time.sleep(0.1)
    raise SystemExit(f"did not see: {what}")


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        clone, home = Path(scratch) / "telpher", Path(scratch) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        process, page, took_s = start(clone, home)
        try:
            print(f"first start: ready after {took_s:.1f} s, set-up included")
            assert "<html" in get(page)
            user_id = get(f"{page}chat/api/state")["users"][0]["id"]
            content = os.urandom(3_000_000)
            send_file(page, user_id, "first.bin", content)
            arrived = wait_for("the file in data/drive", lambda: list((clone / "data" / "drive").glob("**/first.bin")))
            assert arrived[0].read_bytes() == content
            state = f"{page}chat/api/state?user_id={user_id}"
            wait_for("a verified receipt", lambda: "verified" in json.dumps(get(state)["messages"], ensure_ascii=False))
            print("a file of 3 MB landed in data/drive, and its receipt says so")
        finally:
            print(f"Ctrl-C: stopped after {stop(process):.1f} s")
        process, page, took_s = start(clone, home)
        print(f"second start: ready after {took_s:.1f} s")
        stop(process)
    return 0


if __name__ == "__main__":
    sys.exit(main())
