"""The browser's screens: a folder, a shelf, what was found, a folder's card. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from telegram import InlineKeyboardMarkup

from telpher.actions.browse import Listing
from telpher.actions.cards import Card
from telpher.actions.find import FindKind, FindPeriod, FoundPage
from telpher.actions.shelves import Shelf, ShelfPage
from telpher.bot.browse_callbacks import (
    FolderMenu,
    NewFolder,
    ShowFound,
    ShowFoundEntry,
    ShowShelf,
    ShowShelfEntry,
    SortFolder,
    SortKey,
    UploadHere,
)
from telpher.bot.callbacks import Callback, OpenFolder, OpenRoot, ShowEntry
from telpher.bot.formats import escape, shorten
from telpher.bot.keyboards import Row, button, icon
from telpher.bot.select_callbacks import BeginSelection
from telpher.bot.texts import Texts
from telpher.bot.views import Screen, bold
from telpher.drives.port import Capability, Order

_LABEL_LIMIT = 42
_CRUMB_LIMIT = 24
_CRUMBS_SHOWN = 3

ORDERS = {SortKey.NAME: Order.NAME, SortKey.NEWEST: Order.NEWEST, SortKey.LARGEST: Order.LARGEST}
_SHELF_TITLES = {Shelf.STARRED: "shelf.starred", Shelf.RECENT: "shelf.recent"}
_SHELF_EMPTY = {Shelf.STARRED: "shelf.no_starred", Shelf.RECENT: "shelf.no_recent"}
_KIND_ICONS = {
    FindKind.FOLDER: "📁",
    FindKind.IMAGE: "🖼",
    FindKind.VIDEO: "🎬",
    FindKind.AUDIO: "🎵",
    FindKind.DOCUMENT: "📄",
    FindKind.ARCHIVE: "🗜",
}
_CHOSEN = "• "
_KINDS_IN_A_ROW = 4


def label(card: Card) -> str:
    """An entry as a button shows it."""
    entry = card.entry
    star = "⭐ " if entry.is_starred else ""
    return f"{icon(entry.mime_type, is_folder=entry.is_folder)} {star}{shorten(entry.name, _LABEL_LIMIT)}"


def crumbs(texts: Texts, found: Listing) -> str:
    """The way to the folder, the folder itself in bold; of a long way its end."""
    title = texts.t("files.title")
    if found.is_root:
        return f"📂 <b>{title}</b>"
    names = [escape(shorten(card.entry.name, _CRUMB_LIMIT)) for card in found.above[1:]]
    if len(names) > _CRUMBS_SHOWN:
        names = ["…", *names[-_CRUMBS_SHOWN:]]
    return f"📂 {' › '.join([title, *names, bold(found.folder.entry.name)])}"


def listing(texts: Texts, found: Listing) -> Screen:
    """A page of a folder."""
    lines = [f"{crumbs(texts, found)}{page_mark(texts, found.page, has_more=found.has_more)}"]
    if not found.cards:
        lines.append(texts.t("files.empty_root" if found.is_root or found.is_start else "files.empty"))
    rows = [[button(label(card), _target(card, found.page))] for card in found.cards]
    folder = found.folder.token
    rows += steps(texts, found.page, has_more=found.has_more, to=lambda page: OpenFolder(folder, page))
    if found.is_root or found.is_start:
        rows += _shelves(texts, found.offers)
    tools: Row = [] if found.is_root else [button(texts.t("button.up"), above(found))]
    if found.cards:
        keys = list(ORDERS)
        now = next(key for key in keys if ORDERS[key] is found.order)
        following = keys[(keys.index(now) + 1) % len(keys)]
        tools.append(button(texts.t(f"button.by_{found.order.value}"), SortFolder(following, folder)))
    tools.append(button(texts.t("button.folder_menu"), FolderMenu(folder, found.page)))
    return Screen("\n".join(lines), InlineKeyboardMarkup([*rows, tools]))


def above(found: Listing) -> OpenFolder | OpenRoot:
    """The folder that this one is in."""
    return OpenFolder(found.above[-1].token, 0) if found.above else OpenRoot()


def page_mark(texts: Texts, page: int, *, has_more: bool) -> str:
    """Which page it is, where there are several."""
    return f" · {texts.t('files.page', page=page + 1)}" if page > 0 or has_more else ""


def steps(texts: Texts, page: int, *, has_more: bool, to: Callable[[int], Callback]) -> list[Row]:
    """Earlier and later."""
    row: Row = []
    if page > 0:
        row.append(button(texts.t("button.previous"), to(page - 1)))
    if has_more:
        row.append(button(texts.t("button.next"), to(page + 1)))
    return [row] if row else []


def root_menu(texts: Texts, found: Card, page: int) -> Screen:
    """What can be done with the top of the drive, which is neither renamed nor moved."""
    rows = [*folder_rows(texts, found), [button(texts.t("button.back"), OpenFolder(found.token, page))]]
    return Screen(f"📂 <b>{texts.t('files.title')}</b>", InlineKeyboardMarkup(rows))


def folder_rows(texts: Texts, card: Card) -> list[Row]:
    """What goes into a folder."""
    return [
        [
            button(texts.t("button.new_folder"), NewFolder(card.token)),
            button(texts.t("button.upload_here"), UploadHere(card.token)),
        ],
        [button(texts.t("button.select"), BeginSelection(card.token, 0))],
    ]


def shelf(texts: Texts, found: ShelfPage) -> Screen:
    """What is starred, or recent."""
    lines = [f"<b>{texts.t(_SHELF_TITLES[found.shelf])}</b>{page_mark(texts, found.page, has_more=found.has_more)}"]
    if not found.cards:
        lines.append(texts.t(_SHELF_EMPTY[found.shelf]))
    rows = _entries(found.cards, lambda card: ShowShelfEntry(card.token, found.shelf, found.page))
    rows += steps(texts, found.page, has_more=found.has_more, to=lambda page: ShowShelf(found.shelf, page))
    rows.append([button(texts.t("button.drive"), OpenRoot())])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def found(texts: Texts, result: FoundPage) -> Screen:
    """What was found, and what narrows it down."""
    lines = [f"🔎 {bold(result.words)}{page_mark(texts, result.page, has_more=result.has_more)}"]
    is_narrowed = result.kind is not FindKind.ANY or result.period is not FindPeriod.ANY
    if not result.cards:
        lines.append(texts.t("find.nothing_narrowed" if is_narrowed else "find.nothing"))
    search_id, kind, period = result.search_id, result.kind, result.period
    rows = _entries(result.cards, lambda card: ShowFoundEntry(card.token, search_id, kind, period, result.page))
    rows += steps(
        texts, result.page, has_more=result.has_more, to=lambda page: ShowFound(search_id, kind, period, page)
    )
    if result.cards or is_narrowed:
        kinds = [
            button(
                _chosen(_KIND_ICONS.get(one) or texts.t("find.all"), one is kind), ShowFound(search_id, one, period, 0)
            )
            for one in FindKind
        ]
        periods = [
            button(_chosen(texts.t(f"find.{one.name.lower()}"), one is period), ShowFound(search_id, kind, one, 0))
            for one in FindPeriod
        ]
        rows += [kinds[:_KINDS_IN_A_ROW], kinds[_KINDS_IN_A_ROW:], periods]
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows) if rows else None)


def _entries(cards: Sequence[Card], to_file: Callable[[Card], Callback]) -> list[Row]:
    return [
        [button(label(card), OpenFolder(card.token, 0) if card.entry.is_folder else to_file(card))] for card in cards
    ]


def _target(card: Card, page: int) -> Callback:
    return OpenFolder(card.token, 0) if card.entry.is_folder else ShowEntry(card.token, page)


def _shelves(texts: Texts, offers: frozenset[Capability]) -> list[Row]:
    row: Row = []
    if Capability.STARS in offers:
        row.append(button(texts.t("shelf.starred"), ShowShelf(Shelf.STARRED, 0)))
    if Capability.RECENT in offers:
        row.append(button(texts.t("shelf.recent"), ShowShelf(Shelf.RECENT, 0)))
    return [row] if row else []


def _chosen(text: str, is_chosen: bool) -> str:
    return f"{_CHOSEN}{text}" if is_chosen else text
