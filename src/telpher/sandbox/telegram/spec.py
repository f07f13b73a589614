"""The official list of methods and types as data, and the check of a value against it.

`bot_api.json` is derived from the machine-readable Bot API by `tools/derive_bot_api.py`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method or field of a type."""

    types: tuple[str, ...]
    is_required: bool

    @classmethod
    def parse(cls, described: str) -> Parameter:
        """Read the compact form: types joined by `|`, a leading `!` when required."""
        return cls(tuple(described.lstrip("!").split("|")), described.startswith("!"))


class Spec:
    """Methods with their parameters, types with their fields."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.version: str = described["version"]
        self.methods = {
            name: {key: Parameter.parse(value) for key, value in method["parameters"].items()}
            for name, method in described["methods"].items()
        }
        self.returns: dict[str, tuple[str, ...]] = {
            name: tuple(method["returns"]) for name, method in described["methods"].items()
        }
        self.subtypes: dict[str, list[str]] = {
            name: body for name, body in described["types"].items() if isinstance(body, list)
        }
        self.types = {
            name: {key: Parameter.parse(value) for key, value in body.items()}
            for name, body in described["types"].items()
            if isinstance(body, dict)
        }
        self.canonical = {name.lower(): name for name in self.methods}

    def problem(self, value: Any, types: tuple[str, ...], *, where: str = "", knows_all: bool = True) -> str | None:
        """Why `value` is none of `types`, or None when it is one; with `knows_all` a field unknown to the type is a problem too."""
        reasons = [self._problem(value, kind, where, knows_all) for kind in types]
        if None in reasons:
            return None
        # The shortest path is the least specific one: an object of the right type with one wrong field explains itself best.
        return max((reason for reason in reasons if reason), key=len)

    def _problem(self, value: Any, kind: str, where: str, knows_all: bool) -> str | None:
        if kind.startswith("Array of "):
            if not isinstance(value, list):
                return f"{where}: expected an Array"
            inner = (kind.removeprefix("Array of "),)
            problems = (
                self.problem(item, inner, where=f"{where}[{index}]", knows_all=knows_all)
                for index, item in enumerate(value)
            )
            return next((problem for problem in problems if problem), None)
        if kind in self.subtypes:
            return self.problem(value, tuple(self.subtypes[kind]), where=where, knows_all=knows_all)
        if kind in self.types:
            return self._object_problem(value, kind, where, knows_all)
        return None if _is_scalar(value, kind) else f"{where}: expected {kind}"

    def _object_problem(self, value: Any, kind: str, where: str, knows_all: bool) -> str | None:
        if not isinstance(value, dict):
            return f"{where}: expected {kind}"
        fields = self.types[kind]
        for name, field in fields.items():
            if name not in value:
                if field.is_required:
                    return f'{where}: {kind} lacks "{name}"'
            elif problem := self.problem(value[name], field.types, where=f"{where}.{name}", knows_all=knows_all):
                return problem
        unknown = set(value) - set(fields)
        return f"{where}: {kind} has no {sorted(unknown)}" if knows_all and unknown else None


def _is_scalar(value: Any, kind: str) -> bool:
    match kind:
        case "Integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "Boolean" | "True":
            return isinstance(value, bool)
        case "String" | "InputFile":
            return isinstance(value, str)
    return False


@functools.cache
def bot_api() -> Spec:
    """The Bot API that this sandbox speaks."""
    text = resources.files("telpher.sandbox.telegram").joinpath("bot_api.json").read_text(encoding="utf-8")
    return Spec(json.loads(text))
