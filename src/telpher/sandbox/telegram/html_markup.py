"""Reads Telegram's HTML (https://core.telegram.org/bots/api#html-style) into plain text and entities, and refuses in its words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.markup import MarkupError, Writing, byte_offset

_KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "s": "strikethrough", "strike": "strikethrough",
    "del": "strikethrough", "u": "underline", "ins": "underline", "tg-spoiler": "spoiler", "code": "code",
}  # fmt: skip
_TAGS = frozenset({*_KINDS, "a", "pre", "span", "tg-emoji", "tg-time", "blockquote"})
_NAMED_REFERENCES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#(?P<decimal>\d+)|#x(?P<hex>[0-9a-fA-F]+)|(?P<name>lt|gt|amp|quot));?")
_TAG_NAME = re.compile(r"[^\s>/=]*")
_UNQUOTED = re.compile(r"[a-zA-Z0-9.-]*")


@dataclass
class _Open:
    tag: str
    attributes: dict[str, str]
    offset: int
    mark: int
    language: str = ""


def parse_html(source: str) -> tuple[str, list[Json]]:
    """The plain text and its entities; raises MarkupError."""
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._out = Writing()
        self._open: list[_Open] = []

    def read(self) -> tuple[str, list[Json]]:
        while self._at < len(self._source):
            if self._source[self._at] == "<":
                self._tag()
            elif (reference := _REFERENCE.match(self._source, self._at)) is not None:
                self._out.add(_decoded(reference))
                self._at = reference.end()
            else:
                self._out.add(self._source[self._at])
                self._at += 1
        if self._open:
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        text, entities = self._out.result()
        try:
            # Two references may make up one character above U+FFFF.
            return text.encode("utf-16", "surrogatepass").decode("utf-16"), entities
        except UnicodeDecodeError:
            raise MarkupError(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"
            ) from None

    def _tag(self) -> None:
        begin = self._at
        self._at += 1
        if self._source.startswith("/", self._at):
            self._at += 1
            self._end_tag(begin)
        else:
            self._start_tag(begin)

    def _name(self) -> str:
        match = _TAG_NAME.match(self._source, self._at)
        assert match is not None
        self._at = match.end()
        return match.group().lower()

    def _skip_space(self) -> None:
        while self._at < len(self._source) and self._source[self._at].isspace():
            self._at += 1

    def _start_tag(self, begin: int) -> None:
        where = byte_offset(self._source, begin)
        name = self._name()
        if self._at >= len(self._source):
            raise MarkupError(f"Unclosed start tag at byte offset {where}")
        if name not in _TAGS:
            raise MarkupError(f'Unsupported start tag "{name}" at byte offset {where}')
        attributes: dict[str, str] = {}
        while True:
            self._skip_space()
            if self._at >= len(self._source):
                raise MarkupError(f'Unclosed start tag "{name}" at byte offset {where}')
            if self._source[self._at] == ">":
                self._at += 1
                break
            key, value = self._attribute(name, where)
            attributes[key] = value
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {where}')
        self._open.append(_Open(name, attributes, self._out.length, self._out.mark()))

    def _attribute(self, tag: str, where: int) -> tuple[str, str]:
        """One attribute; without an equal sign its value is empty."""
        key = self._name()
        if not key:
            raise MarkupError(f'Empty attribute name in the tag "{tag}" at byte offset {where}')
        self._skip_space()
        if not self._source.startswith("=", self._at):
            return key, ""
        self._at += 1
        self._skip_space()
        if self._at >= len(self._source):
            raise MarkupError(f'Unclosed start tag "{tag}" at byte offset {where}')
        quote = self._source[self._at]
        if quote in "'\"":
            end = self._source.find(quote, self._at + 1)
            if end < 0:
                raise MarkupError(f"Unclosed start tag at byte offset {where}")
            value = _REFERENCE.sub(_decoded, self._source[self._at + 1 : end])
            self._at = end + 1
            return key, value
        match = _UNQUOTED.match(self._source, self._at)
        assert match is not None
        begin, self._at = self._at, match.end()
        after = self._source[self._at : self._at + 1]
        if not after or (after != ">" and not after.isspace()):
            raise MarkupError(f"Unexpected end of name token at byte offset {byte_offset(self._source, begin)}")
        return key, match.group().lower()

    def _end_tag(self, begin: int) -> None:
        where = byte_offset(self._source, begin)
        name = self._name()
        self._skip_space()
        if self._source[self._at : self._at + 1] != ">":
            raise MarkupError(f"Unclosed end tag at byte offset {where}")
        self._at += 1
        if not self._open:
            raise MarkupError(f"Unexpected end tag at byte offset {where}")
        opened = self._open.pop()
        # An empty end tag closes whatever is open.
        if name and name != opened.tag:
            raise MarkupError(
                f'Unmatched end tag at byte offset {where}, expected "</{opened.tag}>", found "</{name}>"'
            )
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        out, attributes = self._out, opened.attributes
        match opened.tag:
            case "a":
                out.close_link(opened.offset, attributes.get("href") or out.since(opened.mark))
            case "pre" | "code":
                self._close_code(opened)
            case "span":
                out.close_entity("spoiler", opened.offset)
            case "tg-emoji":
                out.close_entity("custom_emoji", opened.offset, custom_emoji_id=attributes.get("emoji-id", ""))
            case "tg-time":
                out.close_time(opened.offset, attributes.get("unix", ""), attributes.get("format", ""))
            case "blockquote":
                kind = "expandable_blockquote" if "expandable" in attributes else "blockquote"
                out.close_entity(kind, opened.offset)
            case tag:
                out.close_entity(_KINDS[tag], opened.offset)

    def _close_code(self, opened: _Open) -> None:
        """`<pre><code class="language-…">`, either way round, is one block with its language if both cover the same text."""
        out, other = self._out, "code" if opened.tag == "pre" else "pre"
        language = opened.attributes.get("class", "") if opened.tag == "code" else opened.language
        language = language.removeprefix("language-") if language.startswith("language-") else ""
        last = out.entities[-1] if out.entities else {}
        is_same = (last.get("type"), last.get("offset"), last.get("length")) == (
            other,
            opened.offset,
            out.length - opened.offset,
        )
        if is_same and (named := language or last.get("language", "")):
            out.entities.pop()
            out.close_entity("pre", opened.offset, language=named)
            return
        if (
            opened.tag == "code"
            and self._open
            and self._open[-1].tag == "pre"
            and self._open[-1].offset == opened.offset
        ):
            self._open[-1].language = opened.attributes.get("class", "")
        out.close_entity(opened.tag, opened.offset)


def _decoded(reference: re.Match[str]) -> str:
    if name := reference["name"]:
        return _NAMED_REFERENCES[name]
    code = int(reference["decimal"]) if reference["decimal"] else int(reference["hex"], 16)
    return chr(code) if 0 < code < 0x110000 else reference.group()
