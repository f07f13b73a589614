"""`/undo`: what a person did last, each with a button that takes it back. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import InlineKeyboardMarkup

from telpher.actions.undo import Deed, UndoRecord
from telpher.bot.callbacks import UndoDeed
from telpher.bot.formats import shorten
from telpher.bot.keyboards import button
from telpher.bot.texts import Texts
from telpher.bot.views import Screen

_LABEL_LIMIT = 42
_ICONS = {Deed.TRASH: "🗑", Deed.RENAME: "✏️", Deed.MOVE: "📦", Deed.SHARE: "👥"}


def listing(texts: Texts, records: Sequence[UndoRecord]) -> Screen:
    """Newest first."""
    if not records:
        return Screen(texts.t("undo.none"))
    rows = [
        [button(f"{_ICONS[record.deed]} {shorten(record.name, _LABEL_LIMIT)}", UndoDeed(record.id))]
        for record in records
    ]
    return Screen(texts.t("undo.listing"), InlineKeyboardMarkup(rows))
