"""The disk that the folder drive lies on is full, or read-only: the person is told, and all goes on by itself when it is well again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

import pytest
from tests.driver import Person, buttons_of, has_text
from tests.scenarios.conftest import TelpherProcess
from tests.scenarios.machine import Disk, may_mount, read_only, small_disk

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

_MIB = 1 << 20
CONTENT = os.urandom(7_000_000)


@pytest.fixture
def disk(telpher_settings: Settings) -> Iterator[Disk]:
    """The folder drive lies on a disk of its own; the database and the spool do not."""
    if not may_mount():
        pytest.skip("mounting is not allowed here: run the tests as root to fill and lock a real disk")
    telpher_settings.data_dir.mkdir()
    with small_disk(telpher_settings.data_dir / "drive", 40 * _MIB) as disk:
        yield disk


def _kept(disk: Disk) -> dict[str, str]:
    return {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in disk.path.glob("*.bin")}


@pytest.mark.parametrize(
    ("person_id", "full", "verified"),
    [(1001, "disk that your folder is on is full", "verified"), (1002, "где лежит ваша папка, нет места", "проверено")],
    ids=("en", "ru"),
)
async def test_the_folders_disk_is_full(
    telpher_process: TelpherProcess, sandbox: Sandbox, disk: Disk, person_id: int, full: str, verified: str
) -> None:
    await telpher_process.start(OWNER_IDS=str(person_id))
    disk.fill()
    contents = {"small.bin": CONTENT[:1000], "large.bin": CONTENT}
    async with Person(sandbox.url, person_id) as owner:
        for name, content in contents.items():
            await owner.send_file(content, name=name, kind="document")
            told = await owner.wait_for(has_text(name, full), timeout_s=60)
            assert len(buttons_of(told)) == 2, "who made room need not wait for the next try"
        assert not _kept(disk)
        disk.make_room()
        for name in contents:
            await owner.wait_for(has_text(name, verified), timeout_s=60)
    assert _kept(disk) == {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    assert await telpher_process.stop() == 0
    assert "Traceback" not in telpher_process.log


async def test_the_folders_disk_fills_up_on_the_way(telpher_process: TelpherProcess, anna: Person, disk: Disk) -> None:
    """Room for the beginning only: what has arrived stays, and nothing is there twice."""
    await telpher_process.start()
    disk.leave(3 * _MIB)
    await anna.send_file(CONTENT, name="large.bin", kind="document")
    await anna.wait_for(has_text("large.bin", "is full"), timeout_s=60)
    disk.make_room()
    await anna.wait_for(has_text("large.bin", "verified"), timeout_s=60)
    assert _kept(disk) == {"large.bin": hashlib.md5(CONTENT).hexdigest()}


async def test_the_folders_disk_is_read_only(telpher_process: TelpherProcess, anna: Person, disk: Disk) -> None:
    await telpher_process.start()
    await telpher_process.stop()
    with read_only(disk.path):
        await telpher_process.start()
        await anna.ask("/hello", has_text("Hello"))
        await anna.send_file(CONTENT, name="large.bin", kind="document")
        await anna.wait_for(has_text("large.bin", "try again by myself"), timeout_s=60)
        assert not _kept(disk)
    await anna.wait_for(has_text("large.bin", "verified"), timeout_s=60)
    assert _kept(disk) == {"large.bin": hashlib.md5(CONTENT).hexdigest()}
    assert await telpher_process.stop() == 0
    assert "Traceback" not in telpher_process.log
