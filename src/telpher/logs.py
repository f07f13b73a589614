"""Log lines for people and for machines, from which every known secret is struck out.

The bot's token is part of its request addresses, and HTTP libraries log addresses; so the filter sits on every handler, not on
loggers, and also strikes whatever looks like a token without being told of it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# https://core.telegram.org/bots/api#authorizing-your-bot: digits, a colon, 35 characters; older tokens differ by one or two.
_TOKEN_SHAPE = re.compile(r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,40}(?![A-Za-z0-9_-])")
# OAuth access tokens, refresh tokens and client secrets as Google shapes them.
_GOOGLE_SHAPES = re.compile(r"\b(?:ya29\.[\w.-]{10,}|1//[\w-]{20,}|GOCSPX-[\w-]{10,})")
_STRUCK = "[secret]"


# What is being handled: each line that is written meanwhile names it, whoever writes it.
_update_id: ContextVar[int | None] = ContextVar("update_id", default=None)
_job_id: ContextVar[int | None] = ContextVar("job_id", default=None)


@contextmanager
def about_update(update_id: int) -> Iterator[None]:
    """Lines written in here, and in tasks begun in here, name this update."""
    token = _update_id.set(update_id)
    try:
        yield
    finally:
        _update_id.reset(token)


@contextmanager
def about_job(job_id: int) -> Iterator[None]:
    """Lines written in here, and in tasks begun in here, name this job and no update: a job outlives what it was asked by."""
    job, update = _job_id.set(job_id), _update_id.set(None)
    try:
        yield
    finally:
        _update_id.reset(update)
        _job_id.reset(job)


def _subjects() -> dict[str, int]:
    named = {"update_id": _update_id.get(), "job_id": _job_id.get()}
    return {name: number for name, number in named.items() if number is not None}


class Redactor:
    """Strikes secrets out of text: those it was told (`add`) and those it knows by their shape."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Also strike `secret` from now on; texts too short to be secrets are ignored."""
        if len(secret) >= 8:
            self._secrets.add(secret)

    def strike(self, text: str) -> str:
        """`text` with every secret replaced."""
        for secret in self._secrets:
            text = text.replace(secret, _STRUCK)
        return _GOOGLE_SHAPES.sub(_STRUCK, _TOKEN_SHAPE.sub(_STRUCK, text))


class _TextFormatter(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s%(subjects)s", "%H:%M:%S")
        self._redactor = redactor

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        words = " ".join(f"{name.removesuffix('_id')} {number}" for name, number in _subjects().items())
        record.subjects = f" [{words}]" if words else ""
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.strike(super().format(record))


class _JsonFormatter(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_subjects(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return self._redactor.strike(json.dumps(line, ensure_ascii=False))


def set_up(level: str, log_format: str, secrets: Iterable[str] = ()) -> Redactor:
    """Send all log lines to standard error as `log_format` (`auto`, `text` or `json`), and return what strikes the secrets out."""
    redactor = Redactor(secrets)
    handler = logging.StreamHandler(sys.stderr)
    is_json = log_format == "json" or (log_format == "auto" and "JOURNAL_STREAM" in os.environ)
    handler.setFormatter(_JsonFormatter(redactor) if is_json else _TextFormatter(redactor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Their INFO lines are one per request, addresses included: noise at best.
    for chatty in ("httpx", "httpcore", "aiohttp.access", "telegram", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    return redactor
