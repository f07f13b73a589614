"""Files in Telegram as sources: from any offset, or from a local server's disk; every failure in our own words."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.driver import Person, media_of

from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.bot.telegram_source import TelegramSources
from telpher.errors import FileTooBigError, SourceBusyError, SourceGoneError, SourceUnreachableError
from telpher.sandbox.service import Sandbox
from telpher.settings import Secret
from telpher.transfers.port import Source

Faults = Callable[..., Awaitable[None]]
CONTENT = os.urandom(3_000_001)


@pytest.fixture
def sources(http: AiohttpRequest, address: ApiAddress) -> TelegramSources:
    return TelegramSources(http, address, is_local=False)


def _ref(message: dict[str, Any]) -> str:
    media = media_of(message)
    return json.dumps({"file_id": media["file_id"], "size_bytes": media.get("file_size")})


async def _read(source: Source, offset: int) -> tuple[int, bytes]:
    async with source.open(offset) as (start, chunks):
        return start, b"".join([chunk async for chunk in chunks])


async def _read_into(got: bytearray, source: Source) -> None:
    async with source.open(0) as (_, chunks):
        async for chunk in chunks:
            got += chunk


async def test_a_file_is_read_from_any_offset(sources: TelegramSources, anna: Person) -> None:
    source = await sources(_ref(await anna.send_file(CONTENT, name="note.bin")))
    assert source.size_bytes == len(CONTENT)
    assert source.local_path is None
    for offset in (0, 1, 1_000_000, len(CONTENT) - 1, len(CONTENT)):
        assert await _read(source, offset) == (offset, CONTENT[offset:])


async def test_a_broken_line_is_an_unreachable_source(sources: TelegramSources, anna: Person, faults: Faults) -> None:
    ref = _ref(await anna.send_file(CONTENT, name="note.bin"))
    source = await sources(ref)
    await faults(match="GET /file/", kind="cut_response", after_bytes=1_500_000, times=1)
    got = bytearray()
    with pytest.raises(SourceUnreachableError):
        await _read_into(got, source)
    assert CONTENT.startswith(got)
    start, rest = await _read(source, len(got))
    assert got[:start] + rest == CONTENT
    await faults(match="GET /file/", kind="status", status=502, times=1)
    with pytest.raises(SourceUnreachableError):
        await _read(source, 0)
    await faults(match="getFile", kind="drop_answer", times=1)
    with pytest.raises(SourceUnreachableError):
        await sources(ref)


async def test_a_pause_that_telegram_asks_for_is_told(sources: TelegramSources, anna: Person, faults: Faults) -> None:
    ref = _ref(await anna.send_file(b"x", name="note.bin"))
    await faults(match="getFile", kind="status", status=429, retry_after=9, times=1)
    with pytest.raises(SourceBusyError) as caught:
        await sources(ref)
    assert caught.value.retry_after_s == 9


async def test_an_address_that_expired_is_asked_for_anew(
    sources: TelegramSources, anna: Person, faults: Faults
) -> None:
    source = await sources(_ref(await anna.send_file(CONTENT, name="note.bin")))
    await faults(match="GET /file/", kind="status", status=404, times=1)
    assert await _read(source, 7) == (7, CONTENT[7:])
    await faults(match="GET /file/", kind="status", status=404, times=2)
    with pytest.raises(SourceGoneError):
        await _read(source, 0)


async def test_what_telegram_does_not_have_is_gone(sources: TelegramSources) -> None:
    with pytest.raises(SourceGoneError):
        await sources(json.dumps({"file_id": "BQACAgIAAxkBAAnobody-knows-this-one", "size_bytes": 5}))


async def test_the_public_servers_limit_is_told(sources: TelegramSources, anna: Person) -> None:
    message = await anna.send_file(b"\0" * ((20 << 20) + 1), name="big.bin")
    with pytest.raises(FileTooBigError) as caught:
        await sources(_ref(message))
    assert caught.value.params == {"limit_bytes": 20 << 20, "size_bytes": (20 << 20) + 1}


async def test_a_local_servers_file_is_read_in_place_and_deleted_afterwards(
    tmp_path: Path, http: AiohttpRequest
) -> None:
    async with Sandbox(state_dir=tmp_path / "local", local=True) as sandbox, Person(sandbox.url) as anna:
        address = ApiAddress(sandbox.url, Secret(sandbox.token))
        ref = _ref(await anna.send_file(b"\0" * ((20 << 20) + 1), name="big.bin"))
        source = await TelegramSources(http, address, is_local=True)(ref)
        assert source.local_path is not None
        assert source.local_path.stat().st_size == source.size_bytes == (20 << 20) + 1
        await source.dispose()
        await source.dispose()
        assert not source.local_path.exists()


async def test_a_local_file_that_vanishes_after_it_was_told_is_fetched_again(
    tmp_path: Path, http: AiohttpRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Sandbox(state_dir=tmp_path / "local", local=True) as sandbox, Person(sandbox.url) as anna:
        sources = TelegramSources(http, ApiAddress(sandbox.url, Secret(sandbox.token)), is_local=True)
        ref = _ref(await anna.send_file(b"\0" * ((20 << 20) + 1), name="big.bin"))
        first = await sources(ref)
        assert first.local_path is not None
        really, asked = sources.find, 0

        async def find(file_id: str, told_bytes: int | None) -> Any:
            nonlocal asked
            found = await really(file_id, told_bytes)
            asked += 1
            if asked == 1:
                await first.dispose()  # the other message is done with it just now
            return found

        monkeypatch.setattr(sources, "find", find)
        second = await sources(ref)
        assert second.local_path is not None
        assert second.local_path.stat().st_size == (20 << 20) + 1
