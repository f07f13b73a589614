"""The computation's conversation: from a button to tables, step by step, legible on a phone in both languages."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any

import pytest
from telegram import InlineKeyboardMarkup

from telpher.actions.run_module import ComputeProgress, StrategyTime
from telpher.bot.compute_views import Conversation
from telpher.bot.receipt_views import Tracked
from telpher.bot.texts import Texts
from telpher.compute.modules import registry
from telpher.compute.port import RunProgress
from telpher.jobs.port import Job, JobId, JobState

EN, RU = Texts.for_language("en"), Texts.for_language("ru")
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
OURS = [registry()["search"], registry()["pi"]]
PHONE_COLUMNS = 32
STRATEGIES = {
    "linear": {"en": "Linear", "ru": "По очереди"},
    "threads": {"en": "Threads", "ru": "Потоки"},
    "processes": {"en": "Processes", "ru": "Процессы"},
}


def a_run(name: str, state: JobState, *, is_agreed: bool = True) -> Job:
    times = {"linear": 12.0, "threads": 6.4, "processes": 7.0}
    result: dict[str, Any] = {
        "runs": [{"strategy": strategy, "wall_s": wall_s} for strategy, wall_s in times.items()],
        "calls": 5,
        "answers": {"en": "found at <7>", "ru": "найдено на месте <7>"},
        "is_agreed": is_agreed,
    }
    titles = dict(registry()[name].titles)
    return Job(
        id=JobId(1), key=name, kind="run_module", lane="compute", person_id=1001, account=None,
        payload={"module": name, "titles": titles, "arguments": {}, "calls": 5, "strategies": STRATEGIES, "is_lesson": True},
        state=state, attempt=1, due_at=None, created_at=NOW, finished_at=None,
        result=result if state is JobState.SUCCEEDED else None, error_key="error.computation_failed",
        error_params={"reason": "<out of luck>"},
    )  # fmt: skip


def labels(keyboard: InlineKeyboardMarkup | None) -> list[str]:
    return [button.text for row in keyboard.inline_keyboard for button in row] if keyboard else []


@pytest.fixture
def conversation() -> Conversation:
    return Conversation(OURS, "https://docs.example/modules?a=1&b=2")


def test_it_opens_with_the_first_module(conversation: Conversation) -> None:
    assert labels(conversation.opening(EN).keyboard) == ["▶️ Search"]
    assert labels(conversation.opening(RU).keyboard) == ["▶️ Поиск"]


@pytest.mark.parametrize("texts", [EN, RU])
def test_the_table_is_legible_on_a_phone(conversation: Conversation, texts: Texts) -> None:
    screen = conversation.show(texts, [Tracked(a_run("search", JobState.SUCCEEDED))])
    found = re.search(r"<pre>(.*)</pre>", screen.text, re.DOTALL)
    assert found is not None
    lines = found[1].splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= PHONE_COLUMNS
    assert len({line.rindex("×") for line in lines}) == 1, "the columns stand below each other"


def test_after_search_comes_pi_and_then_ones_own(conversation: Conversation) -> None:
    search, pi = (Tracked(a_run(name, JobState.SUCCEEDED)) for name in ("search", "pi"))
    after_search = conversation.show(EN, [search])
    assert labels(after_search.keyboard) == ["▶️ Pi"]
    assert "Next module" in after_search.text
    ended = conversation.show(EN, [search, pi])
    assert labels(ended.keyboard) == []
    assert 'href="https://docs.example/modules?a=1&amp;b=2"' in ended.text


def test_without_an_address_the_bot_tells_it_itself() -> None:
    ended = Conversation(OURS[:1], "").show(EN, [Tracked(a_run("search", JobState.SUCCEEDED))])
    assert "/own_module" in ended.text
    assert "href" not in ended.text


def test_it_tells_how_far_it_is(conversation: Conversation) -> None:
    current = RunProgress(strategy="threads", calls_done=2, calls=5, fraction=0.5)
    progress = ComputeProgress((StrategyTime("linear", 3.0),), current)
    screen = conversation.show(EN, [Tracked(a_run("search", JobState.RUNNING), progress)])
    assert "Linear     3.00 s  ×1.00\nThreads    ■■□□□" in screen.text
    assert labels(screen.keyboard) == ["✖️ Cancel"]


def test_a_failure_says_so_and_offers_to_try_again(conversation: Conversation) -> None:
    screen = conversation.show(EN, [Tracked(a_run("search", JobState.FAILED))])
    assert "broke off" in screen.text
    assert "out of luck" not in screen.text, "reasons are for the log: they are in nobody's language"
    assert labels(screen.keyboard) == ["🔁 Retry"]


def test_results_that_differ_are_not_passed_over(conversation: Conversation) -> None:
    screen = conversation.show(EN, [Tracked(a_run("search", JobState.SUCCEEDED, is_agreed=False))])
    assert "differ" in screen.text
    assert "found at &lt;7&gt;" in screen.text


def test_the_lesson_comes_first_and_all_others_after_it() -> None:
    more = dataclasses.replace(registry()["pi"], name="more", titles={"en": "More", "ru": "Ещё"})
    conversation = Conversation([more, *reversed(OURS)], "")
    search, pi = (Tracked(a_run(name, JobState.SUCCEEDED)) for name in ("search", "pi"))
    assert labels(conversation.opening(EN).keyboard) == ["▶️ Search"]
    assert labels(conversation.show(EN, [search]).keyboard) == ["▶️ Pi"]
    ended = conversation.show(EN, [search, pi])
    assert labels(ended.keyboard) == ["▶️ More"]
    assert "add your own module" in ended.text
