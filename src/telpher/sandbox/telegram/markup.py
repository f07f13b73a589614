"""What the readers of HTML and Markdown share: the growing plain text with its entities, and the way they refuse."""

from __future__ import annotations

import re

from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.utf16 import utf16_len


class MarkupError(ValueError):
    """The markup is broken; the text is Telegram's, without its prefix."""


class Writing:
    """Plain text under way, measured in UTF-16 units."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.length = 0
        self.entities: list[Json] = []

    def add(self, text: str) -> None:
        """Append plain text."""
        self._parts.append(text)
        self.length += utf16_len(text)

    def since(self, part_index: int) -> str:
        """The plain text written since `mark` answered this index."""
        return "".join(self._parts[part_index:])

    def mark(self) -> int:
        """Where the text stands now, for `since`."""
        return len(self._parts)

    def close_entity(self, kind: str, offset: int, **fields: object) -> None:
        """Note an entity from `offset` to here; an empty one leaves no trace."""
        if self.length > offset:
            self.entities.append({"offset": offset, "length": self.length - offset, "type": kind, **fields})

    def close_link(self, offset: int, url: str) -> None:
        """Note a link from `offset` to here; what Telegram does not take for an address leaves no trace."""
        if (address := _address(url)) is not None:
            self.close_entity("text_link", offset, url=address)

    def close_time(self, offset: int, unix_time: str, shape: str) -> None:
        """Note a moment from `offset` to here (https://core.telegram.org/bots/api#date-time-entity-formatting). Raises MarkupError."""
        if not re.fullmatch(r"\d{1,10}", unix_time, re.ASCII):
            raise MarkupError("Invalid date specified")
        if not re.fullmatch(r"r|w?[dD]?[tT]?", shape):
            raise MarkupError("Invalid date format specified")
        self.close_entity("date_time", offset, unix_time=int(unix_time), date_time_format=shape)

    def result(self) -> tuple[str, list[Json]]:
        """The text and its entities in Telegram's order, outer before inner; nothing stays inside code."""
        blocks = [entity for entity in self.entities if entity["type"] == "pre"]
        code = [entity for entity in self.entities if entity["type"] == "code" and not _is_inside(entity, blocks)]
        rest = [entity for entity in self.entities if entity["type"] not in {"pre", "code"}]
        cut = [part for entity in rest for part in _without(entity, [*blocks, *code])]
        ordered = sorted([*blocks, *code, *cut], key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self._parts), ordered


# These may go on after code that stands in their middle; all others stay whole around it.
_CUT_BY_CODE = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
_ADDRESS = re.compile(r"(?P<scheme>[a-z]+:/{0,2})?(?P<host>[^/?#\s]+)(?P<rest>[/?#].*)?", re.IGNORECASE | re.DOTALL)


def _address(url: str) -> str | None:
    """The address as Telegram completes it: with a scheme, and a path after the bare host."""
    match = _ADDRESS.fullmatch(url.strip())
    if match is None:
        return None
    scheme, host, rest = (match["scheme"] or "http://").lower(), match["host"], match["rest"] or ""
    if scheme.startswith(("tg:", "ton:")):
        return f"{scheme.partition(':')[0]}://{host}{rest}"
    if scheme not in {"http://", "https://", "ftp://"} or not re.search(r"[^.]\.[^.\d]", host):
        return None
    return f"{scheme}{host}{rest if rest.startswith('/') else '/' + rest}"


def _is_inside(entity: Json, outer: list[Json]) -> bool:
    end = entity["offset"] + entity["length"]
    return any(each["offset"] <= entity["offset"] and end <= each["offset"] + each["length"] for each in outer)


def _without(entity: Json, code: list[Json]) -> list[Json]:
    if _is_inside(entity, code) and entity["type"] not in {"blockquote", "expandable_blockquote", "text_link"}:
        return []
    if entity["type"] not in _CUT_BY_CODE:
        return [entity]
    parts = []
    start, end = entity["offset"], entity["offset"] + entity["length"]
    for block in sorted(code, key=lambda each: int(each["offset"])):
        if start < block["offset"] + block["length"] and block["offset"] < end:
            parts.append((start, block["offset"]))
            start = block["offset"] + block["length"]
    parts.append((start, end))
    return [{**entity, "offset": begin, "length": stop - begin} for begin, stop in parts if stop > begin]


def byte_offset(text: str, position: int) -> int:
    """Telegram points at errors by byte, in UTF-8."""
    return len(text[:position].encode())
