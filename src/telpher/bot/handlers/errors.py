"""What a person reads when something could not be done: a toast under a button, a line after a message."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from telpher.bot import account_views, views
from telpher.bot.desk import Desk
from telpher.bot.formats import plain
from telpher.bot.handlers.asked import Asked
from telpher.bot.texts import Texts
from telpher.errors import AccessDeniedError, ChatUnreachableError, LoginRequiredError, StaleButtonError, TelpherError

_log = logging.getLogger(__name__)


async def tell(asked: Asked, error: TelpherError) -> None:
    """Say why not."""
    if isinstance(error, ChatUnreachableError):
        return
    level = logging.DEBUG if isinstance(error, StaleButtonError | AccessDeniedError) else logging.INFO
    _log.log(level, "refused: %s %s", type(error).__name__, error.text_key)
    text = views.refusal(asked.texts, error)
    if asked.update.callback_query is not None and not asked.is_toasted:
        await asked.toast(plain(text), is_alert=True)
    else:
        keyboard = account_views.connecting(asked.texts) if isinstance(error, LoginRequiredError) else None
        await asked.answer(f"⚠️ {text}", keyboard)


async def tell_failure(desk: Desk, raw_update: Mapping[str, Any]) -> None:
    """After a fault of ours in the handling of `raw_update`: tell the person once, if they are one whom we serve."""
    callback = raw_update.get("callback_query")
    about = callback or raw_update.get("message") or {}
    sender = about.get("from") or {}
    person_id = sender.get("id")
    if not isinstance(person_id, int) or not desk.access.is_served(person_id):
        return
    text = Texts.for_language(sender.get("language_code")).t("error.unexpected")
    if callback is not None:
        await desk.outbox.answer_callback(str(callback["id"]), plain(text), show_alert=True)
    elif about.get("chat", {}).get("type") == "private":
        await desk.outbox.send_message(int(about["chat"]["id"]), f"⚠️ {text}")
