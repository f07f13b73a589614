"""Who may come in: strangers get one polite line an hour, others go on to the handlers with their language, unless it is a flood."""

from __future__ import annotations

import contextlib
import time

from telegram import Chat, Update

from telpher.access import Role
from telpher.access.flood import Verdict
from telpher.bot.desk import Desk
from telpher.bot.formats import duration, plain
from telpher.bot.handlers import groups
from telpher.bot.handlers.asked import Asked
from telpher.bot.handlers.entering import code_in, enter
from telpher.bot.texts import Texts
from telpher.errors import TelpherError


async def admit(desk: Desk, update: Update) -> Asked | None:
    """The update as something to answer; None when it is dealt with here, or there is nothing to say to it."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or user.is_bot or (update.message is None and update.callback_query is None):
        return None
    texts = Texts.for_language(user.language_code)
    person = await desk.access.meet(user.id, language_code=user.language_code or "", first_name=user.first_name)
    if person is None:
        await _meet_stranger(desk, update, texts)
        return None
    if chat is None or chat.type != Chat.PRIVATE:
        if update.callback_query is not None:
            # We put no buttons of ours before everybody.
            await desk.outbox.answer_callback(update.callback_query.id, texts.t("error.stale_button"), show_alert=True)
            return None
        if chat is None or update.message is None or not groups.is_for_us(update.message, desk.identity):
            return None
    asked = Asked(desk, update, person, texts, chat.id)
    return None if person.role is not Role.OWNER and await _is_too_much(asked) else asked


async def _is_too_much(asked: Asked) -> bool:
    message, pressed = asked.update.message, asked.update.callback_query
    flood = asked.desk.flood
    verdict = flood.judge(asked.person.id, message.date.timestamp() if message is not None else time.time())
    if verdict is Verdict.TOO_MUCH:
        line = asked.texts.t("flood.text", wait=duration(asked.texts, flood.wait_s))
        # Said at most once: whom it does not reach is not told again.
        with contextlib.suppress(TelpherError):
            if pressed is not None:
                await asked.toast(plain(line), is_alert=True)
            elif message is not None:
                await asked.answer(f"✋ {line}", reply_to=message.message_id)
    return verdict is not Verdict.ADMITTED


async def _meet_stranger(desk: Desk, update: Update, texts: Texts) -> None:
    user, chat = update.effective_user, update.effective_chat
    if user is None or (update.callback_query is None and (chat is None or chat.type != Chat.PRIVATE)):
        return
    if update.message is not None and await enter(desk, update.message, texts):
        return
    if not await desk.access.shall_answer_stranger(user.id):
        return
    line = texts.t("stranger.code" if code_in(update.message) else "stranger.text", id=user.id)
    # One who has blocked us, and still knocks, is no fault of ours.
    with contextlib.suppress(TelpherError):
        if update.callback_query is not None:
            await desk.outbox.answer_callback(update.callback_query.id, plain(line), show_alert=True)
        elif chat is not None:
            await desk.outbox.send_message(chat.id, line)
