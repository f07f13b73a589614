"""Sizes, speeds, times and names as people of either language read them. Pure."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Mapping

from telpher.bot.texts import Texts

UNITS = ("unit.b", "unit.kb", "unit.mb", "unit.gb", "unit.tb")
_BAR_CELLS = 12
_NO_BREAK = "\u00a0"
_TAGS = re.compile(r"<[^>]+>")
_ZONED = re.compile(r"</?tg-time[^>]*>")


def escape(text: object) -> str:
    """Anything from outside, as Telegram's HTML wants it (https://core.telegram.org/bots/api#html-style)."""
    return html.escape(str(text), quote=False)


def plain(text: str) -> str:
    """HTML as a toast or a page shows it: without its tags."""
    return html.unescape(_TAGS.sub("", text))


def number(texts: Texts, value: float, digits: int) -> str:
    """With the language's decimal mark."""
    shown = f"{value:.{digits}f}"
    return shown.replace(".", texts.t("number.decimal_mark"))


def size(texts: Texts, size_bytes: float) -> str:
    """Three figures at most, in units of 1024, as Telegram's own apps count: `512 B`, `19.4 MB`, `250 MB`."""
    value, unit = float(size_bytes), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    digits = 0 if value >= 99.95 or f"{value:.1f}".endswith(".0") else 1
    return f"{number(texts, value, digits)}{_NO_BREAK}{texts.t(UNITS[unit])}"


def speed(texts: Texts, bytes_per_s: float) -> str:
    """`3.2 MB/s`."""
    return texts.t("format.speed", size=size(texts, bytes_per_s))


def duration(texts: Texts, seconds: float) -> str:
    """Two units at most, rounded up: `4 s`, `2 min 10 s`, `3 h 5 min`."""
    whole = max(1, int(seconds + 0.999))
    if whole < 60:
        return _together(texts.t("format.seconds", seconds=whole))
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        shown = _together(texts.t("format.minutes", minutes=minutes))
        return f"{shown} {_together(texts.t('format.seconds', seconds=rest))}" if rest and minutes < 10 else shown
    hours, rest = divmod(whole, 3600)
    shown = _together(texts.t("format.hours", hours=hours))
    return f"{shown} {_together(texts.t('format.minutes', minutes=rest // 60))}" if rest >= 60 and hours < 24 else shown


def day(texts: Texts, moment: dt.datetime) -> str:
    """In this machine's zone: `22 Nov 2026`."""
    local = moment.astimezone()
    return _together(f"{local.day} {texts.t(f'month.{local.month}')} {local.year}")


def date(texts: Texts, moment: dt.datetime) -> str:
    """In this machine's zone, for a label or a line without markup: `22 Nov 2026, 19:05`."""
    return f"{day(texts, moment)}, {moment.astimezone():%H:%M}"


def when(texts: Texts, moment: dt.datetime) -> str:
    """As HTML that the apps show in the reader's own zone (https://core.telegram.org/bots/api#date-time-entity-formatting)."""
    return _zoned(moment, "Dt", date(texts, moment))


def clock(moment: dt.datetime) -> str:
    """The time of a moment today, as HTML like `when`: `19:05`."""
    return _zoned(moment, "t", f"{moment.astimezone():%H:%M}")


def without_zones(text: str) -> str:
    """HTML for a server that does not know `when` and `clock` yet: their times in this machine's zone."""
    return _ZONED.sub("", text)


def _zoned(moment: dt.datetime, shape: str, otherwise: str) -> str:
    return f'<tg-time unix="{int(moment.timestamp())}" format="{shape}">{otherwise}</tg-time>'


def _together(text: str) -> str:
    """A number and its unit stay on one line."""
    return text.replace(" ", _NO_BREAK)


def bar(fraction: float) -> str:
    """A line of cells for 0 … 1."""
    filled = min(_BAR_CELLS, max(0, int(fraction * _BAR_CELLS + 0.5)))
    return "▰" * filled + "▱" * (_BAR_CELLS - filled)


def percent(fraction: float) -> int:
    """0 … 100; 100 only when all is there."""
    return min(100, max(0, int(fraction * 100)))


def shorten(name: str, limit: int) -> str:
    """At most `limit` characters, the extension kept: the middle gives way."""
    if len(name) <= limit:
        return name
    tail = min(limit // 3, 10)
    return f"{name[: limit - tail - 1].rstrip()}…{name[-tail:].lstrip()}"


def reason(texts: Texts, key: str | None, params: Mapping[str, object] | None = None) -> str:
    """An error in words, escaped. Params ending in `_bytes` and `_s` are shown as sizes and durations."""
    known = key if key and texts.has(key) else "error.unexpected"
    return texts.t(known, **{name: _shown(texts, name, value) for name, value in (params or {}).items()})


def _shown(texts: Texts, name: str, value: object) -> str:
    if isinstance(value, int | float) and name.endswith("_bytes"):
        return size(texts, value)
    if isinstance(value, int | float) and name.endswith("_s"):
        return duration(texts, value)
    return escape(value)
