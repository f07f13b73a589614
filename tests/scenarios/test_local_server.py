"""A Bot API server of one's own, run with `--local`: no size limits, its files read in place and deleted once they are safe."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.driver import Person, has_text, text_of
from tests.scenarios.conftest import TelpherProcess, TelpherRunning
from tests.scenarios.waits import eventually, from_bot, kept_files

from telpher.sandbox.service import Sandbox
from telpher.settings import Secret, Settings

_OVER_THE_PUBLIC_LIMIT = os.urandom(1 << 20) * 25


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path / "sandbox", local=True) as running:
        yield running


@pytest.fixture
def telpher_settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    return Settings(
        telegram_token=Secret(sandbox.token),
        owner_ids=(1001,),
        telegram_api_url=sandbox.url,
        telegram_local=True,
        data_dir=tmp_path / "data",
        web_port=0,
    )


def _kept_by_the_server(tmp_path: Path) -> list[Path]:
    size_bytes = len(_OVER_THE_PUBLIC_LIMIT)
    return [path for path in (tmp_path / "sandbox").rglob("*") if path.is_file() and path.stat().st_size == size_bytes]


async def test_a_large_file_lands_and_the_servers_copy_goes(
    telpher_running: TelpherRunning, anna: Person, tmp_path: Path
) -> None:
    await anna.send_file(_OVER_THE_PUBLIC_LIMIT, name="large.bin")
    receipt = await anna.wait_for(has_text("large.bin", "verified"), timeout_s=60)
    assert (telpher_running.drive_dir / "large.bin").read_bytes() == _OVER_THE_PUBLIC_LIMIT
    assert not list((telpher_running.settings.data_dir / "spool").iterdir())
    assert len(_kept_by_the_server(tmp_path)) <= 1, "Telegram's own copy at most"
    await anna.press(receipt, "Get back")
    returned = await anna.wait_for(lambda m: "document" in m, after=receipt, timeout_s=60)
    assert await anna.download(returned) == _OVER_THE_PUBLIC_LIMIT


async def test_a_kill_while_it_is_read_in_place_loses_nothing(telpher_process: TelpherProcess, anna: Person) -> None:
    await telpher_process.start()
    await anna.send_file(_OVER_THE_PUBLIC_LIMIT, name="large.bin")
    await telpher_process.kill()
    await telpher_process.start()
    await anna.wait_for(has_text("large.bin", "verified"), timeout_s=60)
    assert (telpher_process.drive_dir / "large.bin").read_bytes() == _OVER_THE_PUBLIC_LIMIT
    assert await telpher_process.stop() == 0


async def test_the_public_server_says_why_not(telpher_settings: Settings, tmp_path: Path) -> None:
    async with Sandbox(state_dir=tmp_path / "public") as public, Person(public.url) as anna:
        settings = dataclasses.replace(telpher_settings, telegram_local=False, telegram_api_url=public.url)
        process = TelpherProcess(settings, tmp_path / "telpher.log")
        try:
            await process.start()
            await anna.send_file(_OVER_THE_PUBLIC_LIMIT, name="large.bin")
            await anna.wait_for(has_text("20"))
            assert not (process.drive_dir / "large.bin").exists()
        finally:
            await process.end()


async def test_one_file_sent_several_times_is_safe_each_time_before_the_servers_copy_goes(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    sent = await anna.send_file(_OVER_THE_PUBLIC_LIMIT, name="large.bin")
    await asyncio.gather(*(anna.forward(sent) for _ in range(3)))

    async def have_all_come() -> bool:
        return len(kept_files(telpher_running)) == 4

    await eventually(have_all_come)
    assert set(kept_files(telpher_running).values()) == {_OVER_THE_PUBLIC_LIMIT}
    assert not [message for message in from_bot(anna) if "again" in text_of(message)]
