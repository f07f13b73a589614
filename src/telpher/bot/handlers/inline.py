"""`@bot words` in any chat: the person's own files. Whoever is not served gets an empty answer, so that their app does not wait."""

from __future__ import annotations

import logging

from telegram import Update
from telegram.ext import ContextTypes

from telpher.bot import inline_views
from telpher.bot.desk import Desk
from telpher.bot.texts import Texts
from telpher.errors import DiskFullError, StoreError, TelpherError

_log = logging.getLogger(__name__)

_STRANGERS_CACHE_S = 300
"""So long Telegram itself answers a stranger's same words with nothing."""


async def offer(desk: Desk, update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer one inline query. Results are the person's alone and never kept by Telegram for others, or for later."""
    query = update.inline_query
    assert query is not None
    results, next_offset, cache_s = [], "", _STRANGERS_CACHE_S
    if not query.from_user.is_bot and desk.access.is_served(query.from_user.id):
        cache_s = 0
        texts = Texts.for_language(query.from_user.language_code)
        try:
            page = await desk.offer_inline.request(query.from_user.id, query.query, query.offset)
            results, next_offset = inline_views.results(texts, page.offered), page.next_offset
        except (StoreError, DiskFullError):
            raise
        except TelpherError as error:
            # There is no place to say why; in the chat with us every other way says it.
            _log.info("nothing is offered inline: %s %s", type(error).__name__, error.text_key)
    await desk.outbox.answer_inline(query.id, results, cache_time=cache_s, is_personal=True, next_offset=next_offset)
