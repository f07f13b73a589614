"""A folder with boxes to tick. Pure."""

from __future__ import annotations

from telegram import InlineKeyboardMarkup

from telpher.actions.select import SelectionPage
from telpher.bot import browse_views
from telpher.bot.callbacks import OpenFolder
from telpher.bot.keyboards import Row, button
from telpher.bot.select_callbacks import ShowSelection, TickOff, TickOn, ZipTicked
from telpher.bot.texts import Texts
from telpher.bot.views import Screen


def page(texts: Texts, selection: SelectionPage) -> Screen:
    """One page, what is ticked on it, and how many are ticked altogether."""
    found, token = selection.listing, selection.token
    lines = [f"{browse_views.crumbs(texts, found)}{browse_views.page_mark(texts, found.page, has_more=found.has_more)}"]
    count = len(selection.ticked)
    lines.append(texts.n("select.ticked", count) if count else texts.t("select.hint"))
    rows: list[Row] = []
    for card in found.cards:
        is_ticked = card.entry.id in selection.ticked
        press = TickOff(token, card.token, found.page) if is_ticked else TickOn(token, card.token, found.page)
        rows.append([button(f"{'☑️' if is_ticked else '⬜️'} {browse_views.label(card)}", press)])
    rows += browse_views.steps(
        texts, found.page, has_more=found.has_more, to=lambda number: ShowSelection(token, number)
    )
    last = [button(texts.t("button.back"), OpenFolder(found.folder.token, found.page))]
    if count:
        last.append(button(texts.n("button.zip_ticked", count), ZipTicked(token)))
    return Screen("\n".join(lines), InlineKeyboardMarkup([*rows, last]))
