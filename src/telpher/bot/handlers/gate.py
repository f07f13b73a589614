"""Who may come in: strangers get one polite line an hour, others go on to the handlers with their language."""

from __future__ import annotations

from telegram import Chat, Update

from telpher.bot.desk import Desk
from telpher.bot.handlers.asked import Asked
from telpher.bot.handlers.errors import plain
from telpher.bot.texts import Texts


async def admit(desk: Desk, update: Update) -> Asked | None:
    """The update as something to answer; None when it is dealt with here, or there is nothing to say to it."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or user.is_bot or (update.message is None and update.callback_query is None):
        return None
    texts = Texts.for_language(user.language_code)
    person = await desk.access.meet(user.id, language_code=user.language_code or "", first_name=user.first_name)
    if person is None:
        await _answer_stranger(desk, update, texts)
        return None
    if chat is None or chat.type != Chat.PRIVATE:
        # A group would show one person's drive to all the others.
        if update.callback_query is not None:
            await desk.outbox.answer_callback(update.callback_query.id, texts.t("error.stale_button"), show_alert=True)
        return None
    return Asked(desk, update, person, texts, chat.id)


async def _answer_stranger(desk: Desk, update: Update, texts: Texts) -> None:
    user, chat = update.effective_user, update.effective_chat
    if user is None or (update.callback_query is None and (chat is None or chat.type != Chat.PRIVATE)):
        return
    if not await desk.access.shall_answer_stranger(user.id):
        return
    line = texts.t("stranger.text", id=user.id)
    if update.callback_query is not None:
        await desk.outbox.answer_callback(update.callback_query.id, plain(line), show_alert=True)
    elif chat is not None:
        await desk.outbox.send_message(chat.id, line)
