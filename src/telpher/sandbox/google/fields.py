"""The `fields` parameter: which parts of an answer the client wants.

The grammar is that of https://developers.google.com/workspace/drive/api/guides/performance#partial: names parted by commas,
`a/b` for a part of a part, `a(b,c)` for several, `*` for all. A name that the resource does not have is an error, as at Google.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import json
import re
from typing import Any

Mask = dict[str, "Mask | None"]
"""Wanted names; None under a name means all of it. `{"*": …}` applies to every name."""

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*|[*(),/])\s*")
_DEPTH_LIMIT = 32


class FieldsInvalidError(ValueError):
    """The selection names what does not exist, or cannot be read."""


@functools.cache
def _resources() -> dict[str, Any]:
    """Every resource's fields as a tree: None a value, "*" a free map, "@Name" another resource."""
    text = importlib.resources.files("telpher.sandbox.google").joinpath("fields.json").read_text("utf-8")
    tree: dict[str, Any] = json.loads(text)
    return tree


@dataclasses.dataclass(slots=True)
class _Parser:
    tokens: list[str]
    position: int = 0
    depth: int = 0

    def peek(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def take(self) -> str:
        token = self.peek()
        if token is None:
            raise FieldsInvalidError("it ends too early")
        self.position += 1
        return token

    def selections(self) -> Mask:
        mask: Mask = {}
        while True:
            self.selection(mask)
            if self.peek() != ",":
                return mask
            self.take()

    def selection(self, mask: Mask) -> None:
        name = self.take()
        if name in "(),/":
            raise FieldsInvalidError(name)
        path = [name]
        while self.peek() == "/":
            self.take()
            name = self.take()
            if name in "(),/":
                raise FieldsInvalidError(name)
            path.append(name)
        below: Mask | None = None
        if self.peek() == "(":
            self.take()
            self.depth += 1
            if self.depth > _DEPTH_LIMIT:
                raise FieldsInvalidError("(")
            below = self.selections()
            self.depth -= 1
            if self.take() != ")":
                raise FieldsInvalidError("(")
        for step in reversed(path[1:]):
            below = {step: below}
        _merge(mask, path[0], below)


def _merge(mask: Mask, name: str, below: Mask | None) -> None:
    if name not in mask:
        mask[name] = below
        return
    present = mask[name]
    if present is None or below is None:
        mask[name] = None
        return
    for key, value in below.items():
        _merge(present, key, value)


@functools.lru_cache(maxsize=512)
def parse_fields(text: str, resource: str) -> Mask:
    """Read a selection and check it against `resource`; raises FieldsInvalidError with what is wrong."""
    tokens = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FieldsInvalidError(text[position:])
        tokens.append(match[1])
        position = match.end()
    parser = _Parser(tokens)
    mask = parser.selections()
    if (rest := parser.peek()) is not None:
        raise FieldsInvalidError(rest)
    _check(mask, "@" + resource)
    return mask


def _check(mask: Mask, tree: Any) -> None:
    while isinstance(tree, str) and tree.startswith("@"):
        tree = _resources()[tree[1:]]
    if tree == "*":
        return
    for name, below in mask.items():
        if name == "*":
            if below is not None:
                for part in tree.values() if isinstance(tree, dict) else ():
                    _check_tolerantly(below, part)
            continue
        if not isinstance(tree, dict) or name not in tree:
            raise FieldsInvalidError(name)
        if below is not None:
            _check(below, tree[name])


def _check_tolerantly(mask: Mask, tree: Any) -> None:
    """`*/name` is right when some part has the name; parts without it give nothing."""
    try:
        _check(mask, tree)
    except FieldsInvalidError:
        return


def apply_mask(value: Any, mask: Mask | None) -> Any:
    """The wanted parts of an answer; lists are looked through."""
    if mask is None:
        return value
    if isinstance(value, list):
        return [apply_mask(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    everything = mask.get("*", mask)
    picked: dict[str, Any] = {}
    for name, part in value.items():
        below = mask.get(name, everything)
        is_wanted = name in mask or "*" in mask
        if is_wanted and (below is None or isinstance(part, dict | list)):
            picked[name] = apply_mask(part, below)
    return picked


def mask_below(mask: Mask | None, name: str) -> Mask | None:
    """What is wanted of one part: None for all of it, an empty mask for nothing."""
    if mask is None:
        return None
    if name in mask:
        return mask[name]
    return mask.get("*", {})


def wants(mask: Mask | None, name: str) -> bool:
    """Whether a part is wanted at all, so that costly ones are made only then."""
    return mask is None or name in mask or "*" in mask
