"""`@bot words` offers all that is found, page by page, each page only to whom the one before it was offered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.driver import Person
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import Outside, over_google

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

FILES = 70


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path)


@pytest.fixture
async def boris(telpher_running: TelpherRunning) -> AsyncIterator[Person]:
    async with Person(telpher_running.sandbox.url, 1002) as person:
        yield person


@pytest.fixture
async def reports(sandbox: Sandbox) -> set[str]:
    outside = await Outside.of(sandbox)
    names = {f"report {number}.txt" for number in range(FILES)}
    for name in sorted(names):
        await outside.upload(name, b"content", "root")
    await outside.upload("plan.txt", b"content", "root")
    return names


def titles(answer: dict[str, Any]) -> list[str]:
    return [result["title"].removeprefix("📝 ") for result in answer["results"]]


@pytest.mark.parametrize("words", ["report", ""])
async def test_scrolling_on_offers_each_file_once(
    telpher_running: TelpherRunning, anna: Person, reports: set[str], words: str
) -> None:
    seen: list[str] = []
    answer = await anna.inline(words)
    while True:
        assert (len(answer["results"]), answer["cache_time"]) <= (50, 0)
        assert len(answer["next_offset"].encode()) <= 64
        seen += titles(answer)
        if not answer["next_offset"]:
            break
        answer = await anna.inline(words, answer["next_offset"])
    assert sorted(seen) == sorted(reports | ({"plan.txt"} if not words else set()))


async def test_an_app_that_asks_for_a_page_again_gets_it_again(
    telpher_running: TelpherRunning, anna: Person, reports: set[str]
) -> None:
    first = await anna.inline("report")
    twice = [titles(await anna.inline("report", first["next_offset"])) for _ in range(2)]
    assert twice[0] == twice[1]
    assert set(titles(first)).isdisjoint(twice[0])
    # Two lists that are open at once go on independently.
    other = await anna.inline("")
    both = await asyncio.gather(anna.inline("report", first["next_offset"]), anna.inline("", other["next_offset"]))
    assert [len(answer["results"]) for answer in both] == [30, 30]


async def test_an_offset_of_somebody_else_or_of_nobody_offers_nothing(
    telpher_running: TelpherRunning, anna: Person, boris: Person, reports: set[str]
) -> None:
    offset = (await anna.inline("report"))["next_offset"]
    async with await Person.join(telpher_running.sandbox.url, "Clara") as clara:
        for person in (boris, clara):
            answer = await person.inline("report", offset)
            assert (answer["results"], answer["next_offset"]) == ([], "")
    for words, forged in (("plan", offset), ("", offset), ("report", "1"), ("report", "0"), ("report", "x" * 64)):
        answer = await anna.inline(words, forged)
        assert (answer["results"], answer["next_offset"]) == ([], "")
    assert len((await anna.inline("report", offset))["results"]) == 30


async def test_a_list_that_was_open_at_a_restart_ends_and_the_next_key_begins_anew(
    telpher_running: TelpherRunning, anna: Person, reports: set[str]
) -> None:
    offset = (await anna.inline("report"))["next_offset"]
    await telpher_running.restart()
    answer = await anna.inline("report", offset)
    assert (answer["results"], answer["next_offset"]) == ([], "")
    assert len((await anna.inline("report"))["results"]) == 30
