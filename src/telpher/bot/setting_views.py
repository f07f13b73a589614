"""One parameter of a run, by steps, by what is offered, or written. Pure."""

from __future__ import annotations

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from telpher.actions.set_up_run import Setup, Written
from telpher.bot.compute_callbacks import AskParameter, SetParameter, ShowSetup, WriteParameter
from telpher.bot.formats import escape, shorten
from telpher.bot.keyboards import button
from telpher.bot.setup_views import setting_of
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.compute.port import Parameter, in_language
from telpher.compute.written import whole_number

_QUOTED = 40
_WIDE = 1000
"""A parameter with so many settings is stepped by factors, one with fewer by adding."""


def steps(parameter: Parameter, setting: int) -> list[tuple[str, int]]:
    """Where − and + lead from here, smaller ones first; no further than the bounds."""
    by_factors = parameter.maximum - parameter.minimum >= _WIDE and setting > 1
    if by_factors:
        led = [("÷ 10", setting // 10), ("÷ 2", setting // 2), ("× 2", setting * 2), ("× 10", setting * 10)]
    else:
        led = [("− 10", setting - 10), ("− 1", setting - 1), ("+ 1", setting + 1), ("+ 10", setting + 10)]
    within = [(label, min(max(target, parameter.minimum), parameter.maximum)) for label, target in led]
    # The shorter way to a bound is enough.
    downward, upward = within[:2][::-1], within[2:]
    kept = []
    for way in (downward, upward):
        for place, (label, target) in enumerate(way):
            if target != setting and target not in [other for _, other in way[:place]]:
                kept.append((label, target))
    return sorted(kept, key=lambda one: one[1])


def parameter(texts: Texts, shown: Setup, place: int) -> Screen:
    """What one parameter, or the number of calls, is set to and can be set to. What cannot be used here is told, not offered."""
    module, one, setting = shown.module, shown.parameter(place), shown.setting(place)
    lines = [f"🧮 <b>{escape(in_language(module.titles, texts.language))}</b>"]
    lines.append(f"{_title(texts, one)}: <b>{escape(setting_of(texts, one, setting))}</b>")
    rows: list[list[InlineKeyboardButton]] = []
    if isinstance(setting, int):
        lines.append(range_of(texts, one))
        rows.append(
            [
                button(label, WriteParameter(shown.token, place, Written(str(target))))
                for label, target in steps(one, setting)
            ]
        )
    offered = []
    for at, option in enumerate(one.options):
        label = setting_of(texts, one, option)
        reason = module.setting_unavailable(one.name, option)
        if reason is None:
            offered.append(button(f"🔘 {label}" if option == setting else label, SetParameter(shown.token, place, at)))
        else:
            lines.append(f"<i>{escape(label)} – {escape(in_language(reason, texts.language))}</i>")
    # Numbers are short: two of them stand side by side.
    per_row = 1 if one.choices else 2
    rows += [offered[start : start + per_row] for start in range(0, len(offered), per_row)]
    if isinstance(setting, int):
        rows.append([button(f"⌨️ {texts.t('workshop.write')}", AskParameter(shown.token, place))])
    rows.append([button(texts.t("button.back"), ShowSetup(shown.token))])
    return Screen("\n".join(lines), InlineKeyboardMarkup([row for row in rows if row]))


def question(texts: Texts, shown: Setup, place: int) -> str:
    """Asks for a number."""
    one = shown.parameter(place)
    return f"⌨️ <b>{_title(texts, one)}</b>\n{texts.t('workshop.write_question')} {range_of(texts, one)}"


def refusal(texts: Texts, shown: Setup, place: int, written: str) -> str:
    """Why what was written cannot be: in the words of the question."""
    one = shown.parameter(place)
    number, reason = whole_number(written), None
    if number is not None and one.minimum <= number <= one.maximum:
        reason = shown.module.setting_unavailable(one.name, number)
    said = texts.t("workshop.write_refused", written=escape(shorten(written, _QUOTED)), title=_title(texts, one))
    return f"⚠️ {said} {range_of(texts, one) if reason is None else escape(in_language(reason, texts.language))}"


def _title(texts: Texts, one: Parameter) -> str:
    return escape(in_language(one.titles, texts.language))


def range_of(texts: Texts, one: Parameter) -> str:
    """From where to where."""
    return texts.t(
        "workshop.range", minimum=setting_of(texts, one, one.minimum), maximum=setting_of(texts, one, one.maximum)
    )
