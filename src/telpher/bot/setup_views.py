"""The workshop by buttons: choosing a module, setting it, and what was run before. Pure: from results to texts and buttons."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from telpher.actions.computations import Computation
from telpher.actions.set_up_run import CALLS, Setup
from telpher.bot.compute_callbacks import (
    BeginLesson,
    ChooseModule,
    CompareRuns,
    ListModules,
    ListRuns,
    OfferComparison,
    RunLike,
    RunSetup,
    ShowParameter,
    ShowPicture,
    ShowRun,
    Tick,
    TickStrategy,
)
from telpher.bot.formats import escape, number
from telpher.bot.keyboards import button
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.compute.port import Module, Parameter, Setting, Strategy, in_language

_PER_ROW = 5
_MS_BELOW_S = 0.1


def time_of(texts: Texts, seconds: float) -> str:
    """Short enough for a table: `0.35 s`, `7.2 ms`."""
    if seconds < _MS_BELOW_S:
        return f"{number(texts, seconds * 1000, 1)} {texts.t('unit.milliseconds')}"
    return f"{number(texts, seconds, 2)} {texts.t('unit.seconds')}"


def setting_of(texts: Texts, parameter: Parameter, setting: Setting) -> str:
    """A setting in words: a choice's title, a number in groups of three."""
    if isinstance(setting, str):
        titles = parameter.choices.get(setting)
        return in_language(titles, texts.language) if titles is not None else setting
    return f"{setting:,}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "\N{MINUS SIGN}")


def modules(texts: Texts, offered: Sequence[Module]) -> Screen:
    """`/compute`: what can be computed; the lesson; what was."""
    lines = [f"🧮 <b>{texts.t('workshop.title')}</b>", texts.t("workshop.choose")]
    lines += [
        f"\n<b>{escape(in_language(one.titles, texts.language))}</b>\n{escape(in_language(one.descriptions, texts.language))}"
        for one in offered
    ]
    rows = [[button(in_language(one.titles, texts.language), ChooseModule(one.name))] for one in offered]
    rows.append(
        [
            button(f"🎓 {texts.t('workshop.lesson')}", BeginLesson()),
            button(f"🕘 {texts.t('workshop.history')}", ListRuns()),
        ]
    )
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def setup(texts: Texts, shown: Setup, strategies: Sequence[Strategy]) -> Screen:
    """A run as it is put together: what each button would change stands on it."""
    language, module = texts.language, shown.module
    lines = [
        f"🧮 <b>{escape(in_language(module.titles, language))}</b>",
        escape(in_language(module.descriptions, language)),
        "",
        *(
            f"{escape(in_language(one.titles, language))}: <b>{escape(setting_of(texts, one, shown.arguments[one.name]))}</b>"
            for _, one in shown.offered
        ),
        f"{in_language(CALLS.titles, language)}: <b>{shown.calls}</b>",
    ]
    rows = [
        [button(f"✏️ {in_language(one.titles, language)}", ShowParameter(shown.token, place))]
        for place, one in shown.offered
    ]
    rows.append(
        [button(f"✏️ {in_language(CALLS.titles, language)}", ShowParameter(shown.token, len(module.parameters)))]
    )
    ticks: list[InlineKeyboardButton] = []
    missing = []
    for place, strategy in enumerate(strategies):
        title, reason = in_language(strategy.titles, language), strategy.unavailable(module)
        if reason is not None:
            missing.append(f"<i>{escape(title)} – {escape(in_language(reason, language))}</i>")
            continue
        is_on = strategy.name in shown.strategies
        ticks.append(
            button(
                f"{'✅' if is_on else '▫️'} {title}", TickStrategy(Tick.OFF if is_on else Tick.ON, shown.token, place)
            )
        )
    rows += [ticks[start : start + 2] for start in range(0, len(ticks), 2)]
    rows.append(
        [
            button(texts.t("button.back"), ListModules()),
            button(f"▶️ {texts.t('workshop.run')}", RunSetup(shown.token)),
        ]
    )
    if missing:
        lines += ["", texts.t("workshop.unavailable"), *missing]
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


class Titles:
    """What modules and strategies are called, also those of earlier runs that are not installed any more."""

    def __init__(self, found: Sequence[Module], strategies: Sequence[Strategy]) -> None:
        self._modules = {module.name: module for module in found}
        self._strategies = {strategy.name: strategy.titles for strategy in strategies}

    def module(self, texts: Texts, run: Computation) -> str:
        known = self._modules.get(run.module)
        return in_language(known.titles, texts.language) if known is not None else run.module

    def strategy(self, texts: Texts, name: str) -> str:
        titles = self._strategies.get(name)
        return in_language(titles, texts.language) if titles is not None else name

    def settings(self, texts: Texts, run: Computation) -> str:
        """The settings that matter, and how many calls were made."""
        known = self._modules.get(run.module)
        parts = [
            f"{in_language(one.titles, texts.language)}: {setting_of(texts, one, run.arguments[one.name])}"
            for one in (known.parameters if known is not None else ())
            if (one.options or run.arguments.get(one.name, one.default) != one.default)
            and one.name in run.arguments
            and one.is_relevant(run.arguments)
        ]
        return escape(" · ".join([*parts, f"{in_language(CALLS.titles, texts.language)}: {run.result['calls']}"]))


def _moment(texts: Texts, run: Computation) -> str:
    return run.finished_at.astimezone().strftime("%d.%m. %H:%M" if texts.language == "ru" else "%d %b, %H:%M")


def _pre(rows: Sequence[str]) -> str:
    return f"<pre>{escape(chr(10).join(rows))}</pre>"


def history(texts: Texts, titles: Titles, runs: Sequence[Computation]) -> Screen:
    """The last runs, newest first, each with its number."""
    back = [button(texts.t("button.back"), ListModules())]
    if not runs:
        return Screen(f"🕘 {texts.t('workshop.no_history')}", InlineKeyboardMarkup([back]))
    parts = [f"🕘 <b>{texts.t('workshop.last_runs')}</b>"]
    for place, run in enumerate(runs, start=1):
        times = ", ".join(
            f"{titles.strategy(texts, name)} {time_of(texts, wall)}" for name, wall in run.walls_s.items()
        )
        parts.append(
            f"{place}. <b>{escape(titles.module(texts, run))}</b> · {_moment(texts, run)}\n"
            f"{titles.settings(texts, run)}\n{escape(times)}"
        )
    numbers = [button(str(place), ShowRun(run.id)) for place, run in enumerate(runs, start=1)]
    return Screen("\n\n".join(parts), InlineKeyboardMarkup([*_rows(numbers), back]))


def earlier(texts: Texts, titles: Titles, run: Computation) -> Screen:
    """One of them: all its times, and what can be done with it."""
    names = {name: titles.strategy(texts, name) for name in run.walls_s}
    width = max(len(label) for label in names.values())
    rows = [f"{names[name]:<{width}}  {time_of(texts, wall)}" for name, wall in run.walls_s.items()]
    answer = run.result["answers"].get(texts.language) or run.result["answers"]["en"]
    lines = [
        f"🧮 <b>{escape(titles.module(texts, run))}</b> · {_moment(texts, run)}",
        titles.settings(texts, run),
        _pre(rows) + escape(answer),
    ]
    return Screen(
        "\n".join(lines),
        InlineKeyboardMarkup(
            [
                [button(f"🖼 {texts.t('workshop.picture')}", ShowPicture(run.id))],
                [button(f"⚖️ {texts.t('workshop.compare')}", OfferComparison(run.id))],
                [button(f"🔁 {texts.t('workshop.again')}", RunLike(run.id))],
                [button(texts.t("button.back"), ListRuns())],
            ]
        ),
    )


def comparison_offer(texts: Texts, titles: Titles, run: Computation, others: Sequence[Computation]) -> Screen:
    """Choose the other run."""
    back = [button(texts.t("button.back"), ShowRun(run.id))]
    rows = [
        [button(f"{titles.module(texts, other)} · {_moment(texts, other)}", CompareRuns(run.id, other.id))]
        for other in others
        if other.id != run.id
    ]
    key = "workshop.compare_with" if rows else "workshop.nothing_to_compare"
    return Screen(f"⚖️ {texts.t(key)}", InlineKeyboardMarkup([*rows, back]))


def comparison(texts: Texts, titles: Titles, first: Computation, second: Computation) -> Screen:
    """Two runs beside each other: what both were run by, and how many times as fast the second was."""
    lines = []
    marks = texts.t("workshop.first"), texts.t("workshop.second")
    for mark, run in zip(marks, (first, second), strict=True):
        lines.append(
            f"{mark}: <b>{escape(titles.module(texts, run))}</b> · {_moment(texts, run)}\n{titles.settings(texts, run)}"
        )
    rows = []
    for name in dict.fromkeys([*first.walls_s, *second.walls_s]):
        one, other = first.walls_s.get(name), second.walls_s.get(name)
        cells = [
            f"{mark} {time_of(texts, wall)}" for mark, wall in zip(marks, (one, other), strict=True) if wall is not None
        ]
        if one and other:
            cells.append(f"×{number(texts, one / other, 2)}")
        rows.append(f"{titles.strategy(texts, name)}\n  {'  '.join(cells)}")
    lines.append(_pre(rows) + texts.t("workshop.ratio_meaning"))
    back = [button(texts.t("button.back"), OfferComparison(first.id))]
    return Screen("⚖️ " + "\n\n".join(lines), InlineKeyboardMarkup([back]))


def _rows(numbers: list[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    return [numbers[start : start + _PER_ROW] for start in range(0, len(numbers), _PER_ROW)]
