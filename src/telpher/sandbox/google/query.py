"""The `q` parameter of files.list and drives.list: a parser to a small tree, which `search.py` turns into SQL.

The language is that of https://developers.google.com/workspace/drive/api/guides/ref-search-terms. Strings stand in single quotes, with
`\\'` and `\\\\` inside; `and` binds stronger than `or`, `not` stronger than both.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TypeAlias

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*')
      | (?P<operator><=|>=|!=|<>|=|<|>)
      | (?P<paren>[(){}])
      | (?P<word>[A-Za-z][A-Za-z0-9_.]*)
    )\s*""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COMPARE = frozenset({"=", "!=", "<", "<=", ">", ">="})
_EQUAL = frozenset({"=", "!="})
_STRING_FIELDS = {"name": _EQUAL | {"contains"}, "mimeType": _EQUAL | {"contains"}, "fullText": frozenset({"contains"})}
_STRING_FIELDS |= {"visibility": _EQUAL, "shortcutDetails.targetId": _EQUAL, "memberCount": _COMPARE, "hidden": _EQUAL}
_TIME_FIELDS = frozenset({"modifiedTime", "viewedByMeTime", "createdTime", "sharedWithMeTime"})
_FLAG_FIELDS = frozenset({"trashed", "starred", "sharedWithMe"})
_COLLECTIONS = frozenset({"parents", "owners", "writers", "readers"})
_DEPTH_LIMIT = 64


class QueryInvalidError(ValueError):
    """The query cannot be understood; Google answers `Invalid Value` at `q`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; a flag's value is "true" or "false"."""

    field: str
    operator: str
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """`'value' in collection`."""

    value: str
    collection: str


@dataclasses.dataclass(frozen=True, slots=True)
class Has:
    """`properties has { key='…' and value='…' }`."""

    collection: str
    key: str
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    of: Query


@dataclasses.dataclass(frozen=True, slots=True)
class And:
    """Both."""

    left: Query
    right: Query


@dataclasses.dataclass(frozen=True, slots=True)
class Or:
    """Either."""

    left: Query
    right: Query


Query: TypeAlias = Comparison | Member | Has | Not | And | Or


def links_of(query: And | Or) -> list[Query]:
    """The links of a chain such as `a and b and c`, which may be thousands long."""
    links: list[Query] = []
    rest: Query = query
    while isinstance(rest, type(query)):
        links.append(rest.right)
        rest = rest.left
    return [rest, *reversed(links)]


@dataclasses.dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    found = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise QueryInvalidError(f"cannot read {text[position:]!r}")
        raw = match[match.lastgroup]
        found.append(_Token(match.lastgroup, _ESCAPE.sub(r"\1", raw[1:-1]) if match.lastgroup == "string" else raw))
        position = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def whole(self) -> Query:
        query = self._either()
        if self._position < len(self._tokens):
            raise QueryInvalidError(f"what follows {self._tokens[self._position].text!r}?")
        return query

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == "word" and token.text.lower() == word

    def _peek(self) -> _Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _take(self, kind: str, *texts: str) -> str:
        token = self._peek()
        if token is None or token.kind != kind or (texts and token.text.lower() not in texts):
            raise QueryInvalidError(f"{' or '.join(texts) or kind} expected")
        self._position += 1
        return token.text

    def _either(self) -> Query:
        left = self._both()
        while self._is_word("or"):
            self._position += 1
            left = Or(left, self._both())
        return left

    def _both(self) -> Query:
        left = self._negation()
        while self._is_word("and"):
            self._position += 1
            left = And(left, self._negation())
        return left

    def _negation(self) -> Query:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise QueryInvalidError("too deep")
        try:
            if self._is_word("not"):
                self._position += 1
                return Not(self._negation())
            token = self._peek()
            if token is not None and token.text == "(" and token.kind == "paren":
                self._position += 1
                inner = self._either()
                self._take("paren", ")")
                return inner
            return self._term()
        finally:
            self._depth -= 1

    def _term(self) -> Query:
        token = self._peek()
        if token is not None and token.kind == "string":
            self._position += 1
            self._take("word", "in")
            collection = self._take("word")
            if collection not in _COLLECTIONS:
                raise QueryInvalidError(f"nothing is in {collection}")
            return Member(token.text, collection)
        field = self._take("word")
        if field in ("properties", "appProperties"):
            return self._has(field)
        return self._comparison(field)

    def _has(self, collection: str) -> Has:
        self._take("word", "has")
        self._take("paren", "{")
        self._take("word", "key")
        self._take("operator", "=")
        key = self._take("string")
        self._take("word", "and")
        self._take("word", "value")
        self._take("operator", "=")
        value = self._take("string")
        self._take("paren", "}")
        return Has(collection, key, value)

    def _comparison(self, field: str) -> Comparison:
        operator = "contains" if self._is_word("contains") else ""
        if operator:
            self._position += 1
        else:
            operator = self._take("operator").replace("<>", "!=")
        if field in _FLAG_FIELDS:
            value = self._take("word", "true", "false").lower()
            is_known = operator in _EQUAL
        elif field in _TIME_FIELDS:
            value = self._take("string")
            is_known = operator in _COMPARE
        else:
            token = self._peek()
            is_flag = field == "hidden" and token is not None and token.kind == "word"
            value = self._take("word", "true", "false") if is_flag else self._take("string")
            is_known = operator in _STRING_FIELDS.get(field, frozenset())
        if not is_known:
            raise QueryInvalidError(f"{field} {operator} is unknown")
        return Comparison(field, operator, value)


def parse_query(text: str) -> Query:
    """Read a query; raises QueryInvalidError."""
    return _Parser(_tokens(text)).whole()


def quote(value: str) -> str:
    """A string as it stands in a query."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
