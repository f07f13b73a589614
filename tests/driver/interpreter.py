"""Reads aloud in English what the bot says in Russian, so that one scenario is played by speakers of either language.

A text that is not the catalogue's stays as it is: what the bot says in its own words no scenario recognises.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from tests.driver.catalogues import Phrase, phrases, spaced
from tests.driver.messages import Message

_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")


@functools.lru_cache(maxsize=4096)
def in_english(text: str) -> str:
    """The same text, each Russian phrase of the catalogue replaced by its English twin; decimal commas become points."""
    text = spaced(text)
    for telling, phrase, pattern in _russian():
        if telling in text:
            text = pattern.sub(lambda found, phrase=phrase: _twin(phrase, found), text)
    return _DECIMAL_COMMA.sub(".", text)


def message_in_english(message: Message) -> Message:
    """A copy of the bot's message with its text, caption and buttons in English. Offsets of entities are the original's."""
    read = dict(message)
    for field in ("text", "caption"):
        if field in read:
            read[field] = in_english(read[field])
    rows = message.get("reply_markup", {}).get("inline_keyboard")
    if rows is not None:
        read["reply_markup"] = {
            "inline_keyboard": [[{**button, "text": in_english(button["text"])} for button in row] for row in rows]
        }
    return read


def inline_in_english(answer: dict[str, Any]) -> dict[str, Any]:
    """A copy of the bot's inline answer with titles, descriptions, texts and buttons in English."""
    return {**answer, "results": [_result_in_english(result) for result in answer["results"]]}


def _result_in_english(result: dict[str, Any]) -> dict[str, Any]:
    read = message_in_english(result)
    for field in ("title", "description"):
        if field in read:
            read[field] = in_english(read[field])
    content = read.get("input_message_content")
    if content is not None:
        read["input_message_content"] = {**content, "message_text": in_english(content["message_text"])}
    return read


@functools.cache
def _russian() -> list[tuple[str, Phrase, re.Pattern[str]]]:
    """The longest first, since a short one may be part of it. With each what must stand in a text to be worth a try."""
    spoken = [form for forms in phrases("ru").values() for form in forms]
    spoken = [form for form in spoken if _CYRILLIC.search("".join(form.literals))]
    spoken.sort(key=lambda form: form.length, reverse=True)
    return [(max(form.literals, key=len), form, form.pattern()) for form in spoken]


def _twin(phrase: Phrase, found: re.Match[str]) -> str:
    values = found.groupdict()
    one, *others = phrases("en")[phrase.key]
    return (others[0] if others and values.get("count", "2") != "1" else one).filled(values)
