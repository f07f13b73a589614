"""`/find` and plain words, what is starred and recent, the order of folders, a folder's own card."""

from __future__ import annotations

import dataclasses

from telpher.bot import browse_views, views
from telpher.bot.browse_callbacks import (
    FolderMenu,
    SetStar,
    ShowFound,
    ShowFoundEntry,
    ShowShelf,
    ShowShelfEntry,
    SortFolder,
    StarDeed,
)
from telpher.bot.callbacks import OpenFolder
from telpher.bot.handlers.asked import Asked
from telpher.bot.keyboards import Back
from telpher.errors import EntryNotFoundError


async def find(asked: Asked) -> None:
    """`/find words`."""
    _command, *words = (asked.message.text or "").split(maxsplit=1)
    if not words:
        await asked.answer(asked.texts.t("find.usage"))
        return
    await find_words(asked, words[0])


async def find_words(asked: Asked, words: str, *, is_command: bool = True) -> None:
    """What was typed is looked for; who did so without a command may have meant something else."""
    result = await asked.desk.browser.find.begin(asked.person.id, words)
    screen = browse_views.found(asked.texts, result)
    if not result.cards and not is_command:
        screen = dataclasses.replace(screen, text=f"{screen.text}\n\n{asked.texts.t('find.hint')}")
    await asked.show(screen)


async def show_found(asked: Asked, callback: ShowFound) -> None:
    """Another page, kind or time of a search, in the same message."""
    result = await asked.desk.browser.find.page(
        asked.person.id, callback.search_id, callback.kind, callback.period, callback.page
    )
    await asked.put(browse_views.found(asked.texts, result))


async def show_found_entry(asked: Asked, callback: ShowFoundEntry) -> None:
    """From a search to an entry's card, and back there."""
    back = ShowFound(callback.search_id, callback.kind, callback.period, callback.page)
    await _show_card(asked, callback.token, back)


async def show_shelf(asked: Asked, callback: ShowShelf) -> None:
    """What is starred, or recent."""
    found = await asked.desk.browser.shelves.page(asked.person.id, callback.shelf, callback.page)
    await asked.put(browse_views.shelf(asked.texts, found))


async def show_shelf_entry(asked: Asked, callback: ShowShelfEntry) -> None:
    """From a shelf to an entry's card, and back there."""
    await _show_card(asked, callback.token, ShowShelf(callback.shelf, callback.page))


async def sort_folder(asked: Asked, callback: SortFolder) -> None:
    """The folder in another order, and all others from now on."""
    order = browse_views.ORDERS[callback.key]
    await asked.put(
        browse_views.listing(asked.texts, await asked.desk.browse.sort(asked.person.id, callback.token, order))
    )


async def folder_menu(asked: Asked, callback: FolderMenu) -> None:
    """What can be done with a folder."""
    card, is_root = await asked.desk.browse.folder(asked.person.id, callback.token)
    if is_root:
        await asked.put(browse_views.root_menu(asked.texts, card, callback.page))
    else:
        await asked.put(views.entry(asked.texts, card, back=OpenFolder(card.token, callback.page)))


async def set_star(asked: Asked, callback: SetStar) -> None:
    """Mark an entry, or take the mark off."""
    is_on = callback.deed is StarDeed.ON
    back = asked.back
    card = await asked.desk.browser.shelves.star(asked.person.id, callback.token, is_starred=is_on)
    await asked.put(views.entry(asked.texts, card, back=back))


async def _show_card(asked: Asked, token: str, back: Back) -> None:
    card = await asked.desk.entry_card.show(asked.person.id, token)
    if card.entry.is_trashed:
        raise EntryNotFoundError("in the trash")
    await asked.put(views.entry(asked.texts, card, back=back))
