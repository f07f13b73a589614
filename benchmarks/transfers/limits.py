"""curl's download and curl's upload, each leg for itself: what the machine and the servers allow; and rclone's upload."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from benchmarks.transfers.measures import File
from benchmarks.transfers.rig import Rig
from tests.contracts.tls_front import tls_front

RCLONE = shutil.which("rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


async def _run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[float, float, str]:
    """Wall-clock and processor seconds, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(900):
        printed, complaints = await process.communicate()
    wall_s = time.perf_counter() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0, complaints.decode()[-2000:]
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s, cpu_s, printed.decode()


async def curl_download(rig: Rig, file: File) -> dict[str, float]:
    """getFile, then the file, to the disk."""
    began_s = time.perf_counter()
    root = rig.telegram.url
    _, cpu_s, found = await _run(["curl", "-sf", f"{root}/bot{rig.telegram.token}/getFile?file_id={file.file_id}"])
    path = json.loads(found)["result"]["file_path"].lstrip("/")
    url = f"{root}/file/bot{rig.telegram.token}/{quote(path)}"
    _, more_cpu_s, _ = await _run(["curl", "-sf", "-o", str(rig.place / "curl.bin"), url])
    return {"wall_s": time.perf_counter() - began_s, "cpu_s": cpu_s + more_cpu_s}


async def curl_upload(rig: Rig, path: Path, *, proxy: str = "", ca_file: Path | None = None) -> dict[str, float]:
    """A session, then the whole file as one PUT."""
    began_s = time.perf_counter()
    root = "https://www.googleapis.com" if proxy else rig.google.url
    through = ["--proxy", proxy, "--cacert", str(ca_file)] if proxy else []
    common = ["curl", "-sf", *through, "-H", f"Authorization: Bearer {rig.granted['token']}"]
    body = json.dumps({"name": path.name})
    begin = ["-X", "POST", "-H", "Content-Type: application/json", "-d", body, "-D", "-", "-o", "/dev/null"]
    _, cpu_s, head = await _run([*common, *begin, f"{root}/upload/drive/v3/files?uploadType=resumable"])
    session = next(line.split(": ", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("location:"))
    put = ["-T", str(path), "-H", "Expect:", "-o", "/dev/null"]
    _, more_cpu_s, _ = await _run([*common, *put, session])
    return {"wall_s": time.perf_counter() - began_s, "cpu_s": cpu_s + more_cpu_s}


async def rclone_upload(rig: Rig, paths: Sequence[Path]) -> dict[str, float]:
    """rclone with its defaults. It speaks only TLS to Google's own names, so a TLS front in Python stands between: `front_s` is what
    one curl takes through that same front, for the first file.
    """
    assert RCLONE is not None
    folder = rig.place / "for-rclone"
    folder.mkdir(exist_ok=True)
    for path in paths:
        (folder / path.name).hardlink_to(path)
    token = {"access_token": rig.granted["token"], "refresh_token": rig.granted["refresh_token"]}
    token |= {"token_type": "Bearer", "expiry": "2099-01-01T00:00:00Z"}
    async with tls_front(rig.place, rig.google.url) as (proxy, ca_file):
        environment = {
            "HOME": str(rig.place),
            "PATH": os.environ.get("PATH", ""),
            "HTTPS_PROXY": proxy,
            "RCLONE_CONFIG": str(rig.place / "none.conf"),
            "RCLONE_CONFIG_G_TYPE": "drive",
            "RCLONE_CONFIG_G_CLIENT_ID": rig.granted["client_id"],
            "RCLONE_CONFIG_G_CLIENT_SECRET": rig.granted["client_secret"],
            "RCLONE_CONFIG_G_SCOPE": "drive",
            "RCLONE_CONFIG_G_TOKEN": json.dumps(token),
        }
        wall_s, cpu_s, _ = await _run([RCLONE, "copy", str(folder), "g:", "--ca-cert", str(ca_file)], environment)
        front = await curl_upload(rig, paths[0], proxy=proxy, ca_file=ca_file)
    shutil.rmtree(folder)
    return {"wall_s": wall_s, "cpu_s": cpu_s, "front_s": front["wall_s"]}
