"""A text with its entities: parsed by parse_mode, given as a list, or found by Telegram itself (commands, addresses, mentions, …).

Formatting rules: https://core.telegram.org/bots/api#formatting-options. Offsets and lengths are in UTF-16 code units.
"""

from __future__ import annotations

import re
from typing import Any

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.html_markup import parse_html
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.markdown_markup import parse_markdown_v1, parse_markdown_v2
from telpher.sandbox.telegram.markup import MarkupError
from telpher.sandbox.telegram.utf16 import utf16_len, utf16_slice

_FOUND = {
    "bot_command": re.compile(r"(?<![\w/])/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z]\w{2,31})?(?![\w/])"),
    "mention": re.compile(r"(?<!\w)@[a-zA-Z]\w{2,31}\b", re.ASCII),
    "hashtag": re.compile(r"(?<![\w#])#(?=\w*[^\W\d])\w{1,256}"),
    "cashtag": re.compile(r"(?<![\w$])\$[A-Z]{1,8}(?![\w$])"),
    "email": re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?![\w-])", re.IGNORECASE),
    "url": re.compile(
        r"(?<![\w@.-])(?:(?:https?|ftp|tg|ton)://[^\s<>\"«»]+|(?:[\w-]+\.)+(?:com|org|net|ru|io|dev|me|de|info|app|рф)"
        r"(?::\d+)?(?:[/?#][^\s<>\"«»]*)?)(?<![.,:;!?)\]'])",
        re.IGNORECASE,
    ),
}
_WITHOUT_INNER = frozenset({"code", "pre", "text_link", "text_mention"})
_KNOWN = frozenset(
    {
        "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold", "italic", "underline",
        "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre", "text_link", "text_mention", "custom_emoji",
        "date_time",
    }
)  # fmt: skip


def formatted(text: str, parse_mode: str | None, entities: Any) -> tuple[str, list[Json]]:
    """The text as shown and its entities; raises 400 "can't parse entities: …" as Telegram words it."""
    mode = (parse_mode or "").lower()
    try:
        match mode:
            case "":
                plain, found = text, _given(text, entities)
            case "html":
                plain, found = parse_html(text)
            case "markdownv2":
                plain, found = parse_markdown_v2(text)
            case "markdown":
                plain, found = parse_markdown_v1(text)
            case _:
                raise bad_request("unsupported parse_mode")
    except MarkupError as error:
        raise bad_request(f"can't parse entities: {error}") from error
    plain, found = _trimmed(plain.replace("\r", ""), found)
    return plain, _with_detected(plain, found)


def _given(text: str, entities: Any) -> list[Json]:
    if entities is None:
        return []
    if not isinstance(entities, list):
        raise bad_request("expected an Array of message entities")
    end = utf16_len(text)
    kept = []
    for entity in entities:
        if not isinstance(entity, dict):
            raise bad_request("expected an Object as message entity")
        offset, length, kind = entity.get("offset"), entity.get("length"), entity.get("type")
        if not isinstance(offset, int) or not isinstance(length, int) or not isinstance(kind, str):
            field = "offset" if not isinstance(offset, int) else "length" if not isinstance(length, int) else "type"
            raise bad_request(f"can't parse MessageEntity: Can't find field \"{field}\"")
        if kind not in _KNOWN:
            raise bad_request("can't parse MessageEntity: Unsupported type specified")
        if offset < 0 or length < 0 or offset + length > end:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {offset + length}"
            )
        if length and kind not in _FOUND and kind != "phone_number":
            kept.append({key: value for key, value in entity.items() if value is not None})
    return sorted(kept, key=lambda entity: (entity["offset"], -entity["length"]))


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Without white space at the end, and at the beginning as far as no entity covers it."""
    text = text.rstrip()
    end = utf16_len(text)
    lead = len(text) - len(text.lstrip(" \n"))
    if entities:
        lead = min([lead, *(entity["offset"] for entity in entities)])
    kept = []
    for entity in entities:
        offset = entity["offset"] - lead
        length = min(entity["length"], end - lead - offset)
        if length > 0:
            kept.append({**entity, "offset": offset, "length": length})
    return text[lead:], kept


def _with_detected(text: str, entities: list[Json]) -> list[Json]:
    closed = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in _WITHOUT_INNER]
    found = []
    for kind in ("url", "email", "mention", "bot_command", "hashtag", "cashtag"):
        for match in _FOUND[kind].finditer(text):
            offset = utf16_len(text[: match.start()])
            length = utf16_len(match.group())
            if all(offset + length <= start or offset >= end for start, end in closed):
                closed.append((offset, offset + length))
                found.append({"offset": offset, "length": length, "type": kind})
    return sorted([*entities, *found], key=lambda entity: (entity["offset"], -entity["length"]))


def covered(text: str, entity: Json) -> str:
    """The text that an entity covers."""
    return utf16_slice(text, entity["offset"], entity["length"])
