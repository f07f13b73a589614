"""Reads Telegram's MarkdownV2 and old Markdown into plain text and entities, and refuses in its words.

https://core.telegram.org/bots/api#markdownv2-style and https://core.telegram.org/bots/api#markdown-style
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.markup import MarkupError, Writing, byte_offset

_LANGUAGE = re.compile(r"(?P<language>[^\s`]+)(?=\s)")
_FIRST_BREAK = re.compile(r"^(?:\r\n|\n\r|\n|\r)")
_RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
# Longest first: `__` is underline before `_` is italic.
_PAIRS = (
    ("__", "underline", "Underline"),
    ("||", "spoiler", "Spoiler"),
    ("_", "italic", "Italic"),
    ("*", "bold", "Bold"),
    ("~", "strikethrough", "Strikethrough"),
)


@dataclass
class _Open:
    mark: str
    kind: str
    title: str
    offset: int
    begin: int
    written: int = 0


def parse_markdown_v2(source: str) -> tuple[str, list[Json]]:
    """The plain text and its entities; raises MarkupError."""
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._out = Writing()
        self._open: list[_Open] = []
        self._quote: _Open | None = None

    def read(self) -> tuple[str, list[Json]]:
        while self._at < len(self._source):
            self._line_start()
            if self._at < len(self._source):
                self._step()
        self._end_quote(is_expandable=False)
        if self._open:
            self._raise_unclosed()
        return self._out.result()

    def _raise_unclosed(self) -> NoReturn:
        last = self._open[-1]
        raise MarkupError(f"Can't find end of {last.title} entity at byte offset {self._bytes(last.begin)}")

    def _bytes(self, position: int) -> int:
        return byte_offset(self._source, position)

    def _line_start(self) -> None:
        if self._at and self._source[self._at - 1] != "\n":
            return
        if self._source.startswith("**>", self._at):
            self._end_quote(is_expandable=False)
            self._at += 2
        if self._source.startswith(">", self._at):
            self._at += 1
            if self._quote is None:
                self._quote = _Open(">", "blockquote", "BlockQuote", self._out.length, self._at - 1)
        elif self._quote is not None:
            self._end_quote(is_expandable=False)

    def _end_quote(self, is_expandable: bool) -> None:
        if self._quote is not None:
            if self._open and self._open[-1].begin > self._quote.begin:
                self._raise_unclosed()
            self._out.close_entity("expandable_blockquote" if is_expandable else "blockquote", self._quote.offset)
            self._quote = None

    def _step(self) -> None:
        source, at = self._source, self._at
        char = source[at]
        if char == "\\" and at + 1 < len(source) and 0 < ord(source[at + 1]) <= 126:
            self._out.add(source[at + 1])
            self._at += 2
        elif source.startswith("```", at):
            self._block()
        elif char == "`":
            self._code()
        elif char == "[" or source.startswith("![", at):
            self._at += 1 if char == "[" else 2
            kind, title = ("link", "TextUrl") if char == "[" else ("emoji", "CustomEmoji")
            self._open.append(_Open("]", kind, title, self._out.length, at, self._out.mark()))
        elif char == "]" and self._open and self._open[-1].mark == "]":
            self._link_end(self._open.pop())
        elif not self._toggled():
            if char in _RESERVED:
                raise MarkupError(f"Character '{char}' is reserved and must be escaped with the preceding '\\'")
            self._out.add(char)
            self._at += 1

    def _toggled(self) -> bool:
        """Open or close one of the paired marks standing here; False when none does."""
        if self._open and self._open[-1].mark != "]" and self._source.startswith(self._open[-1].mark, self._at):
            last = self._open[-1]
            # `__` is always read as underline first, even where a single `_` would end the italic.
            if last.mark != "_" or not self._source.startswith("__", self._at):
                self._open.pop()
                self._out.close_entity(last.kind, last.offset)
                self._at += len(last.mark)
                return True
        for mark, kind, title in _PAIRS:
            if self._source.startswith(mark, self._at):
                if mark == "||" and self._quote is not None and self._ends_quote():
                    self._at += 2
                    self._end_quote(is_expandable=True)
                    return True
                self._open.append(_Open(mark, kind, title, self._out.length, self._at))
                self._at += len(mark)
                return True
        return False

    def _ends_quote(self) -> bool:
        rest = self._source[self._at + 2 :]
        return not rest or (rest.startswith("\n") and not rest.startswith("\n>"))

    def _code(self) -> None:
        begin, offset = self._at, self._out.length
        text, end = self._until("`", self._at + 1)
        if end < 0:
            raise MarkupError(f"Can't find end of Code entity at byte offset {self._bytes(begin)}")
        self._out.add(text)
        self._out.close_entity("code", offset)
        self._at = end + 1

    def _block(self) -> None:
        begin, offset = self._at, self._out.length
        text, end = self._until("```", self._at + 3)
        # What stands right behind the backticks, up to any white space, is the language.
        match = _LANGUAGE.match(text)
        language, rest = (match["language"], text[match.end() :]) if match else ("", text)
        if end < 0:
            title = "PreCode" if language else "Pre"
            raise MarkupError(f"Can't find end of {title} entity at byte offset {self._bytes(begin)}")
        self._out.add(_FIRST_BREAK.sub("", rest))
        self._out.close_entity("pre", offset, **({"language": language} if language else {}))
        self._at = end + 3

    def _until(self, mark: str, start: int) -> tuple[str, int]:
        """The text up to the next unescaped `mark` and where it stands (-1 when it does not)."""
        text: list[str] = []
        at = start
        while at < len(self._source):
            if self._source.startswith(mark, at):
                return "".join(text), at
            if self._source[at] == "\\" and at + 1 < len(self._source):
                at += 1
            text.append(self._source[at])
            at += 1
        return "".join(text), -1

    def _link_end(self, opened: _Open) -> None:
        self._at += 1
        has_url, url = self._source.startswith("(", self._at), ""
        if has_url:
            begin = self._at
            url, end = self._until(")", self._at + 1)
            if end < 0:
                what = "a URL" if opened.kind == "link" else "a custom emoji URL"
                raise MarkupError(f"Can't find end of {what} at byte offset {self._bytes(begin)}")
            self._at = end + 1
        if opened.kind == "link":
            self._out.close_link(opened.offset, url if has_url else self._out.since(opened.written))
            return
        if not has_url:
            raise MarkupError("Custom emoji entity must contain a tg://emoji URL")
        if moment := re.fullmatch(r"tg://time/?\?unix=(\d+)(?:&format=(\w*))?", url, re.IGNORECASE):
            self._out.close_time(opened.offset, moment[1], moment[2] or "")
            return
        if not (identity := re.fullmatch(r"tg://emoji/?\?id=(\d+)", url, re.IGNORECASE)):
            raise MarkupError("Custom emoji URL must have an emoji identifier")
        self._out.close_entity("custom_emoji", opened.offset, custom_emoji_id=identity[1])


def parse_markdown_v1(source: str) -> tuple[str, list[Json]]:
    """The old Markdown: no nesting; only `_`, `*`, `` ` `` and `[` may be escaped."""
    out, at = Writing(), 0
    while at < len(source):
        char = source[at]
        if char == "\\" and source[at + 1 : at + 2] in tuple("_*`["):
            out.add(source[at + 1])
            at += 2
        elif char in "_*`[":
            at = _old_entity(source, at, out)
        else:
            out.add(char)
            at += 1
    return out.result()


def _old_entity(source: str, begin: int, out: Writing) -> int:
    mark = "```" if source.startswith("```", begin) else source[begin]
    kind, end_mark = {"_": ("italic", "_"), "*": ("bold", "*"), "`": ("code", "`"), "[": ("text_link", "]")}.get(
        mark, ("pre", "```")
    )
    end = source.find(end_mark, begin + len(mark))
    if end < 0:
        raise MarkupError(f"Can't find end of the entity starting at byte offset {byte_offset(source, begin)}")
    offset = out.length
    text = source[begin + len(mark) : end]
    after = end + len(end_mark)
    fields: dict[str, str] = {}
    if kind == "pre":
        first, newline, rest = text.partition("\n")
        if newline and first and not any(char.isspace() for char in first):
            text, fields = rest, {"language": first}
    out.add(text)
    if kind == "text_link":
        close = source.find(")", after) if source.startswith("(", after) else -1
        out.close_link(offset, source[after + 1 : close] if close > 0 else text)
        return after if close < 0 else close + 1
    out.close_entity(kind, offset, **fields)
    return after
