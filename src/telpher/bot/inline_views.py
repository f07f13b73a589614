"""What is offered while a person types our name in some chat, in the Bot API's own JSON. Pure.

https://core.telegram.org/bots/api#inlinequeryresult
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telpher.actions.offer_inline import Offered
from telpher.bot.formats import date, escape, size
from telpher.bot.keyboards import icon
from telpher.bot.texts import Texts
from telpher.bot.views import bold, kind_of

_TITLE_LIMIT = 128


def results(texts: Texts, offered: Sequence[Offered]) -> list[dict[str, Any]]:
    """What Telegram has is sent at once; the rest is a card whose link opens for those whom the person lets in."""
    return [_known(texts, one) if one.file_id is not None else _card(texts, one) for one in offered]


def _known(texts: Texts, one: Offered) -> dict[str, Any]:
    return {
        "type": one.kind,
        "id": one.token,
        "title": one.entry.name[:_TITLE_LIMIT],
        "description": _facts(texts, one),
        f"{one.kind}_file_id": one.file_id,
    }


def _card(texts: Texts, one: Offered) -> dict[str, Any]:
    entry = one.entry
    picture = icon(entry.mime_type, is_folder=entry.is_folder)
    text = f"{picture} {bold(entry.name)}\n{escape(_facts(texts, one))}\n{texts.t('inline.opens_for')}"
    return {
        "type": "article",
        "id": one.token,
        "title": f"{picture} {entry.name}"[:_TITLE_LIMIT],
        "description": f"{_facts(texts, one)}\n{texts.t('inline.opens_for')}",
        "input_message_content": {
            "message_text": text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        },
        "reply_markup": {"inline_keyboard": [[{"text": texts.t("button.open"), "url": entry.link}]]},
    }


def _facts(texts: Texts, one: Offered) -> str:
    facts = [kind_of(texts, one.entry), date(texts, one.entry.modified_at)]
    if one.entry.size_bytes is not None:
        facts.insert(0, size(texts, one.entry.size_bytes))
    return " · ".join(facts)
