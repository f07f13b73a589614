"""`/where`: where a person's new files go; and the question for those who want to be asked each time."""

from __future__ import annotations

import datetime as dt

from telegram import ForceReply

from telpher.actions.destination import Destination
from telpher.actions.errands import Errand, ErrandKind
from telpher.actions.path_template import TemplateInvalidError
from telpher.actions.personal import FilesGo
from telpher.actions.save_file import Incoming, SaveAccepted
from telpher.bot import views, where_views
from telpher.bot.browse_callbacks import ChooseWhere, ShowWhere, TakeTemplate, WhereChoice
from telpher.bot.handlers.asked import Asked
from telpher.bot.prompts import Prompt
from telpher.bot.receipt_book import ReceiptView

TEMPLATE = "template"


async def where(asked: Asked) -> None:
    """Where new files go."""
    await asked.show(await screen(asked))


async def show_where(asked: Asked, _callback: ShowWhere) -> None:
    """The same in the message that was pressed."""
    await asked.put(await screen(asked))


async def screen(asked: Asked) -> views.Screen:
    """Where new files go now."""
    destinations = asked.desk.browser.destinations
    settled, folder_name = await destinations.settled(asked.person.id)
    taking = await destinations.taking(asked.person.id)
    return where_views.where(asked.texts, settled, folder_name, dt.datetime.now().astimezone(), taking)


async def choose(asked: Asked, callback: ChooseWhere) -> None:
    """Elsewhere from now on, or first a question."""
    browser = asked.desk.browser
    match callback.choice:
        case WhereChoice.HOME | WhereChoice.ASK:
            is_home = callback.choice is WhereChoice.HOME
            await browser.destinations.settle(asked.person.id, FilesGo.HOME if is_home else FilesGo.ASK)
            await asked.put(await screen(asked))
        case WhereChoice.FOLDER:
            found = await asked.desk.browse.folders(asked.person.id)
            errand = await browser.errands.begin(
                f"where:{asked.key}", asked.person.id, ErrandKind.WHERE, drive=found.folder.drive
            )
            await asked.put(where_views.chooser(asked.texts, found, errand))
        case WhereChoice.TEMPLATE:
            await _ask_for_template(asked)


async def _ask_for_template(asked: Asked) -> None:
    question_id = await asked.answer(
        asked.texts.t("where.template_question"),
        ForceReply(input_field_placeholder="{year}/{month}/{kind}"),
        reply_to=asked.pressed_message_id or None,
    )
    prompt = Prompt(question_id, "", asked.pressed_message_id, "", TEMPLATE)
    await asked.desk.prompts.ask(asked.chat_id, asked.person.id, prompt)


async def take_text(asked: Asked, text: str) -> bool:
    """Show where a template would lead; each further one in its place, until one is taken. False when none was asked for."""
    replied = asked.message.reply_to_message
    prompts = asked.desk.prompts
    prompt = await prompts.answered_by(asked.chat_id, asked.person.id, replied.message_id if replied else None)
    if prompt is None or prompt.kind != TEMPLATE:
        return False
    try:
        template = await asked.desk.browser.destinations.draft(asked.person.id, text)
    except TemplateInvalidError as error:
        await asked.answer(f"⚠️ {views.refusal(asked.texts, error)}")
        return True
    shown = where_views.draft(asked.texts, template, dt.datetime.now().astimezone())
    message_id = await asked.show(shown)
    # The question stays open for another try; what it showed before gives way to what it shows now.
    await prompts.ask(asked.chat_id, asked.person.id, Prompt(message_id, "", prompt.card_message_id, "", TEMPLATE))
    await asked.desk.outbox.delete_message(asked.chat_id, prompt.message_id)
    return True


async def take_template(asked: Asked, _callback: TakeTemplate) -> None:
    """The template that was shown is the one."""
    await asked.desk.browser.destinations.take_draft(asked.person.id)
    await asked.desk.prompts.forget(asked.chat_id, asked.person.id)
    await asked.put(await screen(asked))


async def hold(asked: Asked, incoming: Incoming) -> None:
    """Ask where a file shall go; files that come together are asked about once."""
    hold_files = asked.desk.browser.hold_files
    held = await hold_files.hold(asked.person.id, incoming)
    shown = where_views.held(asked.texts, held.errand, held.names)
    if held.errand.message_id is not None and await asked.edit(held.errand.message_id, shown):
        return
    await hold_files.asked(held.errand.id, await asked.show(shown, reply_to=reply_to(asked, incoming)))


async def release(asked: Asked, errand: Errand, destination: Destination) -> None:
    """The files that waited are on their way; the question has had its answer."""
    hold_files = asked.desk.browser.hold_files
    for incoming, accepted in await hold_files.release(asked.person.id, errand, destination):
        await open_receipt(asked, incoming, accepted)
    # Only now: a crash before this is mended by the replay of the press, which does the same again.
    await hold_files.let_go(errand)
    if asked.pressed_message_id:
        await asked.desk.outbox.delete_message(asked.chat_id, asked.pressed_message_id)


async def open_receipt(asked: Asked, incoming: Incoming, accepted: SaveAccepted) -> None:
    """One receipt for a file, for all of an album, or for many files that come at once.

    It stands in the person's own chat, wherever the file came from.
    """
    key = f"save:{incoming.bot_id}:{incoming.chat_id}:{incoming.album_id or incoming.message_id}"
    await asked.desk.receipts.open(
        key,
        ReceiptView.SAVE,
        accepted.job,
        chat_id=asked.private_chat_id,
        reply_to=reply_to(asked, incoming),
        may_join_burst=incoming.album_id is None,
    )


def reply_to(asked: Asked, incoming: Incoming) -> int | None:
    """The file's message, where it stands in the person's own chat."""
    return incoming.message_id if incoming.chat_id == asked.private_chat_id else None
