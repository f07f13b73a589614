"""The drive in the chat: browsing, an entry's card, and what its buttons do."""

from __future__ import annotations

from telpher.actions.get_back import AS_FILE, AS_MEDIA, TooBigToSendError
from telpher.actions.undo import Deed
from telpher.bot import browse_views, keyboards, undo_views, views
from telpher.bot.callbacks import (
    DoToEntry,
    EntryDeed,
    ExportEntry,
    OpenFolder,
    OpenRoot,
    ShowAlbumEntry,
    ShowEntry,
    ShowReceipt,
    UndoDeed,
)
from telpher.bot.handlers import sharing, zipping
from telpher.bot.handlers.asked import Asked
from telpher.bot.handlers.renaming import ask_for_name
from telpher.bot.receipt_book import ReceiptView
from telpher.bot.receipt_callbacks import KeepBoth, KeepOldOnly, ShowBurst, ShowBurstEntry
from telpher.errors import EntryNotFoundError, StaleButtonError

_UNDONE = {
    Deed.TRASH: "undo.restored",
    Deed.RENAME: "undo.renamed",
    Deed.MOVE: "undo.moved",
    Deed.SHARE: "undo.shared",
}


async def files(asked: Asked) -> None:
    """`/files`: the drive from its top."""
    await asked.show(browse_views.listing(asked.texts, await asked.desk.browse.page(asked.person.id)))


async def open_folder(asked: Asked, callback: OpenFolder) -> None:
    """A page of a folder, in the same message."""
    found = await asked.desk.browse.page(asked.person.id, callback.token, callback.page)
    await asked.put(browse_views.listing(asked.texts, found))


async def open_root(asked: Asked, _callback: OpenRoot) -> None:
    """Back to the top, in the same message."""
    await asked.put(browse_views.listing(asked.texts, await asked.desk.browse.page(asked.person.id)))


async def show_entry(asked: Asked, callback: ShowEntry) -> None:
    """From a folder's page to a file's card."""
    card = await asked.desk.entry_card.show(asked.person.id, callback.token)
    if card.entry.is_trashed:
        raise EntryNotFoundError("in the trash")
    await asked.put(views.entry(asked.texts, card, back=keyboards.folder_of(card, callback.page)))


async def show_album_entry(asked: Asked, callback: ShowAlbumEntry) -> None:
    """From an album's receipt to the card of one of its files."""
    card = await asked.desk.entry_card.show(asked.person.id, callback.token)
    if card.entry.is_trashed:
        raise EntryNotFoundError("in the trash")
    await asked.put(views.entry(asked.texts, card, back=ShowReceipt(callback.receipt_id)))


async def show_receipt(asked: Asked, callback: ShowReceipt) -> None:
    """Back to an album's receipt."""
    receipt = await asked.desk.receipts.find(asked.person.id, callback.receipt_id)
    screen = await asked.desk.receipts.screen(receipt) if receipt is not None else None
    if screen is None:
        raise StaleButtonError("no such receipt of theirs")
    await asked.put(screen)


async def show_burst(asked: Asked, callback: ShowBurst) -> None:
    """A page of the files that an aggregate receipt is about."""
    receipt = await asked.desk.receipts.find(asked.person.id, callback.receipt_id)
    screen = await asked.desk.receipts.page(receipt, callback.page) if receipt is not None else None
    if screen is None:
        raise StaleButtonError("no such page of theirs")
    await asked.put(screen)


async def show_burst_entry(asked: Asked, callback: ShowBurstEntry) -> None:
    """From such a page to the card of one of its files."""
    card = await asked.desk.entry_card.show(asked.person.id, callback.token)
    if card.entry.is_trashed:
        raise EntryNotFoundError("in the trash")
    await asked.put(views.entry(asked.texts, card, back=ShowBurst(callback.receipt_id, callback.page)))


async def keep_both(asked: Asked, callback: KeepBoth) -> None:
    """Both stay, as they would have without a word."""
    card = await asked.desk.entry_card.show(asked.person.id, callback.token)
    if card.entry.is_trashed:
        raise EntryNotFoundError("in the trash")
    await asked.put(views.entry(asked.texts, card, note=f"✅ {asked.texts.t('receipt.verified')}"))


async def keep_old(asked: Asked, callback: KeepOldOnly) -> None:
    """The new one goes to the trash, from where Undo takes it out again."""
    trashed = await asked.desk.keep_old.request(asked.person.id, callback.token, callback.old_token, key=asked.key)
    await asked.put(views.trashed(asked.texts, trashed.card.entry.name, trashed.undo_id, None))


async def do_to_entry(asked: Asked, callback: DoToEntry) -> None:
    """Get back, Rename, Delete."""
    match callback.deed:
        case EntryDeed.GET_BACK:
            await _get_back(asked, callback.token)
        case EntryDeed.SHOW:
            await _get_back(asked, callback.token, AS_MEDIA)
        case EntryDeed.SHARE:
            await sharing.panel(asked, callback.token)
        case EntryDeed.ZIP:
            await zipping.zip_folder(asked, callback.token)
        case EntryDeed.RENAME:
            await ask_for_name(asked, callback.token)
        case EntryDeed.DELETE:
            back = asked.back
            trashed = await asked.desk.trash.request(asked.person.id, callback.token, key=asked.key)
            await asked.put(views.trashed(asked.texts, trashed.card.entry.name, trashed.undo_id, back))


async def export_entry(asked: Asked, callback: ExportEntry) -> None:
    """Get back a document in the format of the button."""
    await _get_back(asked, callback.token, callback.suffix)


async def recent_deeds(asked: Asked) -> None:
    """`/undo`: what can be taken back."""
    await asked.show(undo_views.listing(asked.texts, await asked.desk.undo.last(asked.person.id)))


async def undo(asked: Asked, callback: UndoDeed) -> None:
    """Take a deed back."""
    back = asked.back
    undone = await asked.desk.undo.request(asked.person.id, callback.undo_id)
    note = asked.texts.t(_UNDONE[undone.deed])
    await asked.put(views.entry(asked.texts, undone.card, note=f"↩️ {note}", back=back))


async def _get_back(asked: Asked, token: str, form: str = AS_FILE) -> None:
    under = asked.pressed_message_id or None
    try:
        accepted = await asked.desk.get_back.request(
            asked.person.id, token, chat_id=asked.chat_id, reply_to=under, key=asked.key, form=form
        )
    except TooBigToSendError as error:
        card = await asked.desk.entry_card.show(asked.person.id, token)
        await asked.show(views.too_big_to_send(asked.texts, card.entry.name, error), reply_to=under)
        return
    await asked.toast(asked.texts.t("send.accepted" if accepted.is_new else "send.under_way"))
    await asked.desk.receipts.open(
        f"send:{accepted.job.id}", ReceiptView.SEND, accepted.job, chat_id=asked.chat_id, reply_to=under
    )
