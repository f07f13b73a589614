"""What owners read about Telpher itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from telegram import InlineKeyboardMarkup

from telpher.actions.alerts import Alert
from telpher.actions.tell_figures import CommandFigures, Report
from telpher.bot.callbacks import CheckUp, CheckUpDeed
from telpher.bot.formats import UNITS, duration, escape, number, reason, size
from telpher.bot.keyboards import button
from telpher.bot.texts import Texts
from telpher.flames import FlameWords
from telpher.profiling import Recording

if TYPE_CHECKING:
    from telpher.bot.operation import Finding

_MARKS = {True: "✅", False: "❌", None: "💡"}
_COMMANDS_SHOWN = 12


def stats(texts: Texts, report: Report) -> str:
    """`/stats`: short enough to stand under a picture."""
    day = report.day
    facts = {
        "updates": int(day.get("updates", 0)),
        "failed": int(day.get("updates_failed", 0)),
        "done": int(day.get("jobs_succeeded", 0)),
        "undone": int(day.get("jobs_failed", 0)),
        "carried": size(texts, day.get("bytes", 0)),
        "queued": report.jobs.get("queued", 0) + report.jobs.get("waiting", 0),
        "running": report.jobs.get("running", 0),
        "updates_waiting": report.updates_waiting,
        "free": size(texts, report.free_bytes),
        "spool": size(texts, report.spool_bytes),
        "memory": size(texts, report.memory_bytes),
        "up": duration(texts, report.up_s),
    }
    lines = [texts.t("stats.text", **facts)]
    if report.commands:
        lines += ["", texts.t("stats.commands"), _table(texts, report.commands)]
    return "\n".join(lines)


def _table(texts: Texts, commands: Iterable[CommandFigures]) -> str:
    shown = list(commands)[:_COMMANDS_SHOWN]
    width = max(len(one.kind) for one in shown)
    rows = [
        f"{one.kind:<{width}} {one.count:>5} {milliseconds(texts, one.median_s):>6} {milliseconds(texts, one.p95_s):>6}"
        for one in shown
    ]
    head = f"{'':<{width}} {texts.t('stats.count'):>5} {'p50':>6} {'p95':>6}"
    return f"<pre>{escape(chr(10).join([head, *rows]))}</pre>"


def milliseconds(texts: Texts, seconds: float) -> str:
    """`4.2`, `235`."""
    return number(texts, seconds * 1000, 1 if seconds < 0.1 else 0)


def picture_texts(texts: Texts) -> Mapping[str, str]:
    """Every word in the picture of a day, the units among them."""
    words = {word: texts.t(f"stats.picture.{word}") for word in ("title", "updates", "jobs", "bytes", "failed")}
    return words | {"units": " ".join(map(texts.t, UNITS)), "decimal_mark": texts.t("number.decimal_mark")}


def flame_words(texts: Texts, recording: Recording) -> FlameWords:
    """What stands above a flame graph."""
    about = texts.t(
        "flame.about",
        milliseconds=milliseconds(texts, recording.root.total_s),
        calls=texts.n("flame.calls", recording.calls),
    )
    return FlameWords(texts.language, about, texts.t("flame.legend"))


def findings(texts: Texts, found: Iterable[tuple[str, Finding]], paused: int) -> tuple[str, InlineKeyboardMarkup]:
    """`/doctor`, with what can be done at once as buttons."""
    lines = [texts.t("doctor.title")]
    for name, finding in found:
        told = reason(texts, finding.text_key, finding.params)
        lines.append(f"{_MARKS[finding.is_well]} <b>{texts.t(f'doctor.part.{name}')}</b>: {told}")
    if paused:
        lines.append(f"{_MARKS[False]} {texts.n('doctor.paused', paused)}")
    rows = [[button(texts.t("button.check_again"), CheckUp(CheckUpDeed.AGAIN))]]
    if paused:
        rows.insert(0, [button(texts.t("button.resume_accounts"), CheckUp(CheckUpDeed.RESUME))])
    return "\n".join(lines), InlineKeyboardMarkup(rows)


def alert(texts: Texts, alert: Alert) -> str:
    """Something that needs a person."""
    params = {key: escape(value) for key, value in alert.params.items()}
    if "free_bytes" in alert.params:
        params["free"] = size(texts, float(str(alert.params["free_bytes"])))
    return f"🔔 {texts.t(alert.text_key, **params)}"
