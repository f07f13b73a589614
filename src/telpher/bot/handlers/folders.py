"""Folders: made, chosen, moved to, and opened for the next files."""

from __future__ import annotations

from telegram import ForceReply

from telpher.actions.destination import AT_HOME
from telpher.actions.errands import Errand, ErrandKind
from telpher.bot import browse_views, views, where_views
from telpher.bot.browse_callbacks import (
    BeginMove,
    ChooseFolder,
    ChooseFromTop,
    LeaveErrand,
    NewFolder,
    NewFolderFor,
    PickFolder,
    PickHome,
    StopUploads,
    UploadHere,
)
from telpher.bot.callbacks import Callback, OpenFolder, decode
from telpher.bot.formats import escape, shorten
from telpher.bot.handlers import where
from telpher.bot.handlers.asked import Asked
from telpher.bot.keyboards import folder_of, read_back
from telpher.bot.prompts import Prompt
from telpher.errors import EntryNotFoundError, NameInvalidError, StaleButtonError, TelpherError

NEW_FOLDER = "new_folder"


async def new_folder(asked: Asked, callback: NewFolder) -> None:
    """Ask how a folder in this one shall be called."""
    await _ask_for_folder(asked, callback.token, OpenFolder(callback.token, 0))


async def new_folder_for(asked: Asked, callback: NewFolderFor) -> None:
    """The same while a folder is chosen: the new one is looked into then."""
    await asked.desk.browser.errands.get(asked.person.id, callback.errand_id)
    await _ask_for_folder(asked, callback.token, ChooseFolder(callback.errand_id, callback.token, 0))


async def _ask_for_folder(asked: Asked, token: str, then: Callback) -> None:
    card, is_root = await asked.desk.browse.folder(asked.person.id, token)
    name = asked.texts.t("files.title") if is_root else card.entry.name
    question_id = await asked.answer(
        asked.texts.t("new_folder.question", name=escape(shorten(name, 80))),
        ForceReply(),
        reply_to=asked.pressed_message_id or None,
    )
    prompt = Prompt(question_id, token, asked.pressed_message_id, then.encode(), NEW_FOLDER)
    await asked.desk.prompts.ask(asked.chat_id, asked.person.id, prompt)


async def take_folder_name(asked: Asked, text: str) -> bool:
    """Take a message as the new folder's name; False when it answers no such question."""
    replied = asked.message.reply_to_message
    prompts = asked.desk.prompts
    prompt = await prompts.answered_by(asked.chat_id, asked.person.id, replied.message_id if replied else None)
    if prompt is None or prompt.kind != NEW_FOLDER:
        return False
    try:
        made = await asked.desk.browser.make_folder.request(asked.person.id, prompt.token, text)
    except NameInvalidError as error:
        await asked.answer(views.refusal(asked.texts, error))
        return True
    except TelpherError:
        await prompts.forget(asked.chat_id, asked.person.id)
        raise
    await prompts.forget(asked.chat_id, asked.person.id)
    then = decode(prompt.back)
    if isinstance(then, ChooseFolder):
        screen = await _chooser(asked, then.errand_id, made.token, 0)
    else:
        screen = browse_views.listing(asked.texts, await asked.desk.browse.page(asked.person.id, made.token))
    if not await asked.edit(prompt.card_message_id, screen):
        await asked.show(screen)
    await asked.desk.outbox.delete_message(asked.chat_id, prompt.message_id)
    return True


async def begin_move(asked: Asked, callback: BeginMove) -> None:
    """Choose where an entry shall go, beginning where it is."""
    back = asked.back
    errand, card = await asked.desk.browser.move.begin(
        asked.person.id, callback.token, key=asked.key, back=back.encode() if back else ""
    )
    try:
        screen = await _chooser(asked, errand.id, card.parent, 0)
    except EntryNotFoundError:
        screen = await _chooser(asked, errand.id, None, 0)
    await asked.put(screen)


async def choose_folder(asked: Asked, callback: ChooseFolder) -> None:
    """Look into a folder."""
    await asked.put(await _chooser(asked, callback.errand_id, callback.token, callback.page))


async def choose_from_top(asked: Asked, callback: ChooseFromTop) -> None:
    """Begin where browsing opens."""
    await asked.put(await _chooser(asked, callback.errand_id, None, 0))


async def pick_folder(asked: Asked, callback: PickFolder) -> None:
    """This one."""
    errand = await asked.desk.browser.errands.get(asked.person.id, callback.errand_id)
    match errand.kind:
        case ErrandKind.MOVE:
            await _move(asked, errand, callback.token)
        case ErrandKind.WHERE:
            await asked.desk.browser.destinations.settle_on_folder(asked.person.id, callback.token)
            await asked.put(await where.screen(asked))
        case ErrandKind.HOLD:
            destination = await asked.desk.browser.destinations.at_folder(asked.person.id, callback.token)
            await where.release(asked, errand, destination)


async def pick_home(asked: Asked, callback: PickHome) -> None:
    """The folder for new files, for files that wait."""
    errand = await asked.desk.browser.errands.get(asked.person.id, callback.errand_id)
    if errand.kind is not ErrandKind.HOLD:
        raise StaleButtonError("nothing is held")
    await where.release(asked, errand, AT_HOME)


async def leave(asked: Asked, callback: LeaveErrand) -> None:
    """Choose nothing: back to where the choosing began."""
    browser = asked.desk.browser
    errand = await browser.errands.get(asked.person.id, callback.errand_id)
    match errand.kind:
        case ErrandKind.MOVE:
            card = await browser.move.subject(asked.person.id, errand)
            await asked.put(views.entry(asked.texts, card, back=read_back(errand.back)))
        case ErrandKind.WHERE:
            await asked.put(await where.screen(asked))
        case ErrandKind.HOLD:
            await browser.hold_files.let_go(errand)
            await asked.put(views.Screen(asked.texts.t("hold.let_go")))


async def upload_here(asked: Asked, callback: UploadHere) -> None:
    """The next files go into this folder."""
    target = await asked.desk.browser.destinations.take_next(asked.person.id, callback.token)
    await asked.put(where_views.uploading(asked.texts, target))


async def stop_uploads(asked: Asked, callback: StopUploads) -> None:
    """They no longer do; show what is in the folder now."""
    await asked.desk.browser.destinations.take_no_more(asked.person.id)
    await asked.put(browse_views.listing(asked.texts, await asked.desk.browse.page(asked.person.id, callback.token)))
    await asked.toast(asked.texts.t("upload.stopped"))


async def _move(asked: Asked, errand: Errand, token: str) -> None:
    moved = await asked.desk.browser.move.finish(asked.person.id, errand, token)
    name = asked.texts.t("files.title") if moved.is_root else moved.folder_name
    note = f"📦 {asked.texts.t('move.done', name=views.bold(name))}"
    # The folder that the card came from no longer holds it: the way back leads to where it is.
    back = folder_of(moved.card, 0)
    await asked.put(views.entry(asked.texts, moved.card, note=note, undo_id=moved.undo_id, back=back))


async def _chooser(asked: Asked, errand_id: int, token: str | None, page: int) -> views.Screen:
    browser = asked.desk.browser
    errand = await browser.errands.get(asked.person.id, errand_id)
    found = await asked.desk.browse.folders(asked.person.id, token, page)
    if errand.kind is not ErrandKind.MOVE:
        return where_views.chooser(asked.texts, found, errand)
    subject = (await browser.move.subject(asked.person.id, errand)).entry
    return where_views.chooser(
        asked.texts,
        found,
        errand,
        subject=subject.name,
        is_there_already=found.folder.entry.id == subject.parent_id,
        hidden=subject.id,
    )
