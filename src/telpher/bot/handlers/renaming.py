"""Rename, as a conversation of one question: asked under the card, answered by the person's next message."""

from __future__ import annotations

from telegram import ForceReply

from telpher.bot import views
from telpher.bot.formats import escape, shorten
from telpher.bot.handlers.asked import Asked
from telpher.bot.keyboards import read_back
from telpher.bot.prompts import Prompt
from telpher.errors import NameInvalidError, TelpherError

_PLACEHOLDER_LIMIT = 64  # https://core.telegram.org/bots/api#forcereply


async def ask_for_name(asked: Asked, token: str) -> None:
    """Ask what the entry shall be called."""
    card = await asked.desk.entry_card.show(asked.person.id, token)
    name = card.entry.name
    question_id = await asked.answer(
        asked.texts.t("rename.question", name=escape(shorten(name, 80))),
        ForceReply(input_field_placeholder=shorten(name, _PLACEHOLDER_LIMIT)),
        reply_to=asked.pressed_message_id or None,
    )
    back = asked.back
    prompt = Prompt(question_id, token, asked.pressed_message_id, back.encode() if back else "")
    await asked.desk.prompts.ask(asked.chat_id, asked.person.id, prompt)
    await asked.toast()


async def take_new_name(asked: Asked, text: str) -> bool:
    """Take a message as the answer to our question; False when it is none."""
    replied = asked.message.reply_to_message
    prompts = asked.desk.prompts
    prompt = await prompts.answered_by(asked.chat_id, asked.person.id, replied.message_id if replied else None)
    if prompt is None or prompt.kind != "rename":
        return False
    try:
        renamed = await asked.desk.rename.request(asked.person.id, prompt.token, text, key=asked.key)
    except NameInvalidError as error:
        await asked.answer(views.refusal(asked.texts, error))
        return True
    except TelpherError:
        await prompts.forget(asked.chat_id, asked.person.id)
        raise
    await prompts.forget(asked.chat_id, asked.person.id)
    note = f"✏️ {asked.texts.t('rename.was', name=escape(shorten(renamed.old_name, 80)))}"
    back = read_back(prompt.back)
    screen = views.entry(asked.texts, renamed.card, note=note, undo_id=renamed.undo_id, back=back)
    if await asked.edit(prompt.card_message_id, screen):
        await asked.answer(asked.texts.t("rename.done", name=views.bold(renamed.card.entry.name)))
    else:
        await asked.show(screen)
    await asked.desk.outbox.delete_message(asked.chat_id, prompt.message_id)
    return True
