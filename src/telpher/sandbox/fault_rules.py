"""One fault: which requests it strikes, and how often. `faults.py` tells what each field means and carries them out."""

from __future__ import annotations

import dataclasses
import random
import re
from typing import Any

from aiohttp import web

from telpher.sandbox.wire import Pacer

ENDING_KINDS = frozenset({"status", "cut_request", "cut_response", "drop_answer"})
KINDS = ENDING_KINDS | {"delay", "bandwidth", "partial"}
DIRECTIONS = frozenset({"up", "down", "both"})


class RuleInvalidError(ValueError):
    """A rule that the control endpoint refuses, with what is wrong about it."""


@dataclasses.dataclass(slots=True)
class Rule:
    """One fault to strike requests with; see the module's table."""

    match: str
    kind: str
    status: int = 503
    reason: str | None = None
    message: str | None = None
    body: Any = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    retry_after: float | None = None
    after_bytes: int | None = None
    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    direction: str = "both"
    times: int | None = None
    probability: float | None = None
    skip: int = 0
    seed: int | None = None
    struck: int = 0
    _pattern: re.Pattern[str] = dataclasses.field(init=False, repr=False)
    _random: random.Random = dataclasses.field(init=False, repr=False)
    up: Pacer | None = dataclasses.field(init=False, default=None, repr=False)
    down: Pacer | None = dataclasses.field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise RuleInvalidError(f"kind is one of {', '.join(sorted(KINDS))}, not {self.kind!r}")
        if self.direction not in DIRECTIONS:
            raise RuleInvalidError(f"direction is up, down or both, not {self.direction!r}")
        if self.kind == "bandwidth" and self.bytes_per_s <= 0:
            raise RuleInvalidError("bandwidth needs bytes_per_s above 0")
        if self.kind == "delay" and self.delay_s <= 0:
            raise RuleInvalidError("delay needs delay_s above 0")
        try:
            self._pattern = re.compile(self.match)
        except re.error as error:
            raise RuleInvalidError(f"match is no regular expression: {error}") from None
        self._random = random.Random(self.seed)  # noqa: S311  # chance, not a secret
        if self.kind == "bandwidth":
            self.up = Pacer(self.bytes_per_s) if self.direction != "down" else None
            self.down = Pacer(self.bytes_per_s) if self.direction != "up" else None

    def strikes(self, request: web.BaseRequest) -> bool:
        """Whether this request is hit; counts it if so."""
        if self.times is not None and self.times <= 0:
            return False
        if not any(self._pattern.search(line) for line in _request_lines(request)):
            return False
        if self.kind == "cut_request" and not self._reaches_cut(request):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        self.struck += 1
        return True

    def _reaches_cut(self, request: web.BaseRequest) -> bool:
        length_bytes = request.content_length
        return request.body_exists and (length_bytes is None or length_bytes >= (self.after_bytes or 0))

    def as_json(self) -> dict[str, Any]:
        """What `POST /sandbox/faults` would take to make this rule, and how often it has struck."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if field.repr and (value := getattr(self, field.name)) not in (None, {})
        }

    @classmethod
    def from_json(cls, document: Any) -> Rule:
        """Make a rule; raises RuleInvalidError with what is wrong."""
        if not isinstance(document, dict):
            raise RuleInvalidError("a rule is an object")
        known = {field.name for field in dataclasses.fields(cls) if field.init}
        if unknown := sorted(set(document) - known):
            raise RuleInvalidError(f"a rule has no {', '.join(unknown)}")
        try:
            return cls(**document)
        except TypeError as error:
            raise RuleInvalidError(str(error)) from None


def _request_lines(request: web.BaseRequest) -> tuple[str, ...]:
    """What a rule's pattern is looked for in: with the query and without, so that `$` may be used."""
    line = f"{request.method} {request.path}"
    return (line, f"{request.method} {request.path_qs}") if request.query_string else (line,)
