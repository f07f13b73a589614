"""Which commands a person sees where: the first list that is set, from the narrowest scope to the widest, their language before others.

https://core.telegram.org/bots/api#determining-list-of-commands
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contracts.bot_over_http import BotOverHttp, Refused

from telpher.sandbox.service import Sandbox

ANNA, BORIS = 1001, 1002


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path) as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[BotOverHttp]:
    async with BotOverHttp(sandbox) as caller:
        yield caller


async def offer(bot: BotOverHttp, name: str, language_code: str = "", **scope: Any) -> None:
    more = {"scope": scope} if scope else {}
    commands = [{"command": name, "description": name}]
    await bot.call("setMyCommands", commands=commands, language_code=language_code, **more)


async def seen(sandbox: Sandbox, user_id: int, language: str, chat_id: int | None = None) -> list[str]:
    """As the chat page shows them to somebody whose app speaks `language`."""
    where = {"user_id": user_id, "chat_id": chat_id or user_id}
    async with aiohttp.ClientSession() as http, http.get(f"{sandbox.url}/chat/api/state", params=where) as answer:
        listed = (await answer.json())["bot"]["commands"]
    return [one["command"] for one in listed.get(language, listed["default"])]


async def test_in_a_private_chat(sandbox: Sandbox, bot: BotOverHttp) -> None:
    assert await seen(sandbox, ANNA, "en") == []
    await offer(bot, "all")
    await offer(bot, "all_ru", "ru")
    assert [await seen(sandbox, ANNA, code) for code in ("en", "ru", "de")] == [["all"], ["all_ru"], ["all"]]
    await offer(bot, "private", type="all_private_chats")
    assert await seen(sandbox, ANNA, "ru") == ["private"], "a narrower scope counts more than the language"
    await offer(bot, "private_ru", "ru", type="all_private_chats")
    await offer(bot, "group", type="all_group_chats")
    await offer(bot, "annas", type="chat", chat_id=ANNA)
    assert [await seen(sandbox, ANNA, code) for code in ("en", "ru")] == [["annas"], ["annas"]]
    assert [await seen(sandbox, BORIS, code) for code in ("en", "ru")] == [["private"], ["private_ru"]]
    await offer(bot, "annas_ru", "ru", type="chat", chat_id=ANNA)
    assert [await seen(sandbox, ANNA, code) for code in ("en", "ru")] == [["annas"], ["annas_ru"]]
    await bot.call("deleteMyCommands", scope={"type": "chat", "chat_id": ANNA})
    assert [await seen(sandbox, ANNA, code) for code in ("en", "ru")] == [["private"], ["annas_ru"]]
    await bot.call("deleteMyCommands", scope={"type": "chat", "chat_id": ANNA}, language_code="ru")
    assert await seen(sandbox, ANNA, "ru") == ["private_ru"]


async def test_in_a_group(sandbox: Sandbox, bot: BotOverHttp) -> None:
    body = {"title": "Trip", "member_ids": [ANNA, BORIS]}
    async with aiohttp.ClientSession() as http, http.post(f"{sandbox.url}/chat/api/groups", json=body) as answer:
        group_id = (await answer.json())["id"]
    await offer(bot, "all")
    await offer(bot, "private", type="all_private_chats")
    assert await seen(sandbox, BORIS, "en", group_id) == ["all"]
    expected = []
    for name, scope, counts_for in (
        ("groups", {"type": "all_group_chats"}, (ANNA, BORIS)),
        ("owners", {"type": "all_chat_administrators"}, (ANNA,)),
        ("here", {"type": "chat", "chat_id": group_id}, (ANNA, BORIS)),
        ("owner_here", {"type": "chat_administrators", "chat_id": group_id}, (ANNA,)),
        ("boris_here", {"type": "chat_member", "chat_id": group_id, "user_id": BORIS}, (BORIS,)),
    ):
        await offer(bot, name, **scope)
        for user_id in (ANNA, BORIS):
            is_shown = await seen(sandbox, user_id, "en", group_id) == [name]
            expected.append(is_shown is (user_id in counts_for))
    assert all(expected)
    assert await seen(sandbox, ANNA, "en") == ["private"]


async def test_a_scope_that_is_none_is_refused(bot: BotOverHttp) -> None:
    commands = [{"command": "a", "description": "b"}]
    for scope, why in (
        ({"type": "everybody"}, "BotCommandScope"),
        ({"type": "chat"}, "chat_id"),
        ({"type": "chat_member", "chat_id": ANNA}, "user_id"),
        ({"type": "chat", "chat_id": 999_999}, "chat not found"),
    ):
        with pytest.raises(Refused, match=why):
            await bot.call("setMyCommands", commands=commands, scope=scope)
