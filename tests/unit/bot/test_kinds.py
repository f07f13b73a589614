"""What an update asks for, in one word that says nothing of what was written."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from telpher.bot.kinds import kind_of, named_kind


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"message": {"text": "/files"}}, "/files"),
        ({"message": {"text": "/FILES@telpher_bot now"}}, "/files"),
        ({"message": {"text": "/cython"}}, "/compute"),
        ({"message": {"text": "/my_secret_word"}}, "unknown command"),
        ({"message": {"text": "/"}}, "unknown command"),
        ({"message": {"text": "a secret"}}, "text"),
        ({"message": {"photo": [], "caption": "/files"}}, "file"),
        ({"message": {"contact": {}}}, "other"),
        ({"callback_query": {"data": "e:AbCd"}}, "press show_entry"),
        ({"callback_query": {"data": "forged:1"}}, "press"),
        ({"callback_query": {}}, "press"),
        ({"update_id": 1, "poll": {}}, "poll"),
        ({"update_id": 1}, "nothing"),
    ],
)
def test_kinds(raw: dict[str, Any], kind: str) -> None:
    assert kind_of(raw) == kind


def test_every_command_that_is_answered_has_a_name_of_its_own() -> None:
    register = importlib.import_module("telpher.bot.handlers.register")
    for name in register._COMMANDS:
        assert kind_of({"message": {"text": f"/{name}"}}) == f"/{name}"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("files", "/files"),
        (" /Files ", "/files"),
        ("file", "file"),
        ("press  show_entry", "press show_entry"),
        ("press nothing", None),
        ("", None),
        ("rm -rf", None),
    ],
)
def test_what_a_person_calls_it(words: str, kind: str | None) -> None:
    assert named_kind(words) == kind
