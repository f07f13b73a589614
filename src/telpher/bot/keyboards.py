"""Which buttons stand under which message. Pure: from results to python-telegram-bot's markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from telpher.access import EntryToken
from telpher.actions.cards import Card
from telpher.actions.get_back import media_kind_of
from telpher.bot.browse_callbacks import (
    BeginMove,
    NewFolder,
    SetStar,
    ShowFound,
    ShowFoundEntry,
    ShowShelf,
    ShowShelfEntry,
    StarDeed,
    UploadHere,
)
from telpher.bot.callbacks import (
    Callback,
    DoToAlbum,
    DoToEntry,
    DoToJob,
    EntryDeed,
    ExportEntry,
    ExportSuffix,
    JobDeed,
    ListJobs,
    OpenFolder,
    OpenRoot,
    RunModule,
    ShowAlbumEntry,
    ShowEntry,
    ShowReceipt,
    UndoDeed,
    decode,
)
from telpher.bot.receipt_callbacks import KeepBoth, KeepOldOnly, ShowBurst, ShowBurstEntry
from telpher.bot.select_callbacks import BeginSelection
from telpher.bot.texts import Texts
from telpher.errors import StaleButtonError

Row: TypeAlias = list[InlineKeyboardButton]
Back: TypeAlias = OpenFolder | OpenRoot | ShowReceipt | ShowBurst | ShowFound | ShowShelf


def button(label: str, callback: Callback) -> InlineKeyboardButton:
    """A button that comes back to us."""
    return InlineKeyboardButton(label, callback_data=callback.encode())


def icon(mime_type: str, *, is_folder: bool = False) -> str:
    """A picture of the kind."""
    if is_folder:
        return "📁"
    kind, _, subtype = mime_type.partition("/")
    icons = {"image": "🖼", "video": "🎬", "audio": "🎵", "text": "📝"}
    if kind in icons:
        return icons[kind]
    if "zip" in subtype or "compressed" in subtype or subtype in {"x-tar", "gzip", "x-7z-compressed", "vnd.rar"}:
        return "🗜"
    return "📄"


def entry(texts: Texts, card: Card, undo_id: int | None = None, back: Back | None = None) -> InlineKeyboardMarkup:
    """Under an entry's card: ways to have it, then what can be done to it; Undo after a deed; the way back."""
    found: Row = []
    if card.entry.is_folder:
        found += [
            button(texts.t("button.new_folder"), NewFolder(card.token)),
            button(texts.t("button.upload_here"), UploadHere(card.token)),
            button(texts.t("button.select"), BeginSelection(card.token, 0)),
            button(texts.t("button.zip"), DoToEntry(EntryDeed.ZIP, card.token)),
        ]
    if card.entry.link and card.entry.link.startswith(("https://", "http://")):
        found.append(InlineKeyboardButton(texts.t("button.open"), url=card.entry.link))
    if not card.entry.is_folder and card.entry.size_bytes is not None:
        found.append(button(texts.t("button.get_back"), DoToEntry(EntryDeed.GET_BACK, card.token)))
    for suffix in [one for one in card.formats if one in ExportSuffix.__members__.values()]:
        found.append(button(f"📥 {suffix.upper()}", ExportEntry(card.token, ExportSuffix(suffix))))
    if media_kind_of(card.entry) is not None:
        found.append(button(texts.t("button.show_here"), DoToEntry(EntryDeed.SHOW, card.token)))
    if card.is_shareable:
        found.append(button(texts.t("button.share"), DoToEntry(EntryDeed.SHARE, card.token)))
    found += [
        button(texts.t("button.rename"), DoToEntry(EntryDeed.RENAME, card.token)),
        button(texts.t("button.move"), BeginMove(card.token)),
    ]
    if card.can_be_starred:
        key, deed = ("button.unstar", StarDeed.OFF) if card.entry.is_starred else ("button.star", StarDeed.ON)
        found.append(button(texts.t(key), SetStar(deed, card.token)))
    found.append(button(texts.t("button.delete"), DoToEntry(EntryDeed.DELETE, card.token)))
    rows = [*_in_pairs(found), _last(texts, undo_id, back)]
    return InlineKeyboardMarkup([row for row in rows if row])


def _in_pairs(buttons: Row) -> list[Row]:
    """Two a row, since more are cut short on a phone; an odd one stands first, so that what all cards have ends in the same places."""
    odd = len(buttons) % 2
    return [buttons[:odd], *(buttons[start : start + 2] for start in range(odd, len(buttons), 2))]


def with_twin(
    texts: Texts, keyboard: InlineKeyboardMarkup | None, receipt_id: int, new: Card, old: Card
) -> InlineKeyboardMarkup:
    """Above an entry's buttons: what to do about the same content that was there before."""
    return InlineKeyboardMarkup(
        [
            [
                button(texts.t("button.keep_both"), KeepBoth(new.token)),
                button(texts.t("button.show_twin"), ShowAlbumEntry(old.token, receipt_id)),
            ],
            [button(texts.t("button.keep_old"), KeepOldOnly(new.token, old.token))],
            *(keyboard.inline_keyboard if keyboard is not None else ()),
        ]
    )


def trashed(texts: Texts, undo_id: int | None, back: Back | None) -> InlineKeyboardMarkup:
    """Under what was moved to the trash: Undo, and the way back."""
    return InlineKeyboardMarkup([_last(texts, undo_id, back)])


def _last(texts: Texts, undo_id: int | None, back: Back | None) -> Row:
    row: Row = []
    if back is not None:
        row.append(button(texts.t("button.back"), back))
    if undo_id is not None:
        row.append(button(texts.t("button.undo"), UndoDeed(undo_id)))
    return row


def folder_of(card: Card, page: int) -> Back:
    """The way back from an entry to the page that it was on."""
    return OpenFolder(card.parent, page) if card.parent else OpenRoot()


def card_of(card: Card, back: Back | None) -> Callback:
    """Shows an entry's card again, with the same way back from there. A folder's card is the folder itself."""
    if card.entry.is_folder:
        return OpenFolder(card.token, 0)
    match back:
        case ShowFound(search_id, kind, period, page):
            return ShowFoundEntry(card.token, search_id, kind, period, page)
        case ShowShelf(shelf, page):
            return ShowShelfEntry(card.token, shelf, page)
        case ShowReceipt(receipt_id):
            return ShowAlbumEntry(card.token, receipt_id)
        case ShowBurst(receipt_id, page):
            return ShowBurstEntry(card.token, receipt_id, page)
        case _:
            return ShowEntry(card.token, back.page if isinstance(back, OpenFolder) else 0)


def back_in(markup: InlineKeyboardMarkup | None) -> Back | None:
    """The way back that a message offers: kept when the rest of the message changes."""
    for row in reversed(markup.inline_keyboard if markup else ()):
        for pressed in row:
            if isinstance(pressed.callback_data, str):
                found = read_back(pressed.callback_data)
                if found is not None:
                    return found
    return None


def read_back(data: str) -> Back | None:
    """Button data that leads back, or None."""
    try:
        callback = decode(data)
    except StaleButtonError:
        return None
    return callback if isinstance(callback, Back) else None


def job(texts: Texts, job_id: int, deeds: Sequence[JobDeed]) -> InlineKeyboardMarkup:
    """Cancel, Retry."""
    return InlineKeyboardMarkup(
        [[button(texts.t(f"button.{deed.name.lower()}"), DoToJob(deed, job_id)) for deed in deeds]]
    )


def album(
    texts: Texts, receipt_id: int, deeds: Sequence[JobDeed], tokens: Sequence[tuple[int, str]]
) -> InlineKeyboardMarkup:
    """Numbers that open the files' cards, five a row; then what applies to all."""
    rows = _numbers([(place, ShowAlbumEntry(token, receipt_id)) for place, token in tokens])
    if deeds:
        rows.append([button(texts.t(f"button.{deed.name.lower()}"), DoToAlbum(deed, receipt_id)) for deed in deeds])
    return InlineKeyboardMarkup(rows)


def burst(texts: Texts, receipt_id: int, deeds: Sequence[JobDeed], *, has_list: bool) -> InlineKeyboardMarkup | None:
    """Under many files' receipt: the way to its list, then what applies to all."""
    rows = [[button(texts.t("button.show_files"), ShowBurst(receipt_id, 0))]] if has_list else []
    keys = {JobDeed.CANCEL: "button.cancel_all", JobDeed.RETRY: "button.retry"}
    rows += [[button(texts.t(keys[deed]), DoToAlbum(deed, receipt_id)) for deed in deeds]] if deeds else []
    return InlineKeyboardMarkup(rows) if rows else None


def burst_page(
    texts: Texts, receipt_id: int, page: int, pages: int, tokens: Sequence[tuple[int, str]]
) -> InlineKeyboardMarkup:
    """Numbers that open the files' cards; the pages before and after; the way back to the receipt."""
    rows = _numbers([(place, ShowBurstEntry(EntryToken(token), receipt_id, page)) for place, token in tokens])
    steps: Row = []
    if page > 0:
        steps.append(button(texts.t("button.previous"), ShowBurst(receipt_id, page - 1)))
    if page + 1 < pages:
        steps.append(button(texts.t("button.next"), ShowBurst(receipt_id, page + 1)))
    return InlineKeyboardMarkup([*rows, steps, [button(texts.t("button.back"), ShowReceipt(receipt_id))]])


def _numbers(opened: Sequence[tuple[int, Callback]]) -> list[Row]:
    numbers = [button(str(place), callback) for place, callback in opened]
    return [numbers[start : start + 5] for start in range(0, len(numbers), 5)]


def jobs(texts: Texts, cancellable: Sequence[tuple[int, int]]) -> InlineKeyboardMarkup:
    """Under the list of jobs: a Cancel for each, and Refresh. Pairs of (number in the list, job id)."""
    cancels = [
        button(texts.t("button.cancel_number", number=place), DoToJob(JobDeed.CANCEL, job_id))
        for place, job_id in cancellable
    ]
    rows = [cancels[start : start + 3] for start in range(0, len(cancels), 3)]
    return InlineKeyboardMarkup([*rows, [button(texts.t("button.refresh"), ListJobs())]])


def modules(offered: Sequence[tuple[str, str]]) -> InlineKeyboardMarkup:
    """Start a module of the workshop. Pairs of (label, module's name)."""
    return InlineKeyboardMarkup([[button(label, RunModule(name))] for label, name in offered])


def link(texts: Texts, url: str) -> InlineKeyboardMarkup | None:
    """Opens an entry in the drive's own page; None for what Telegram would not take as an address."""
    if not url.startswith(("https://", "http://")):
        return None
    return InlineKeyboardMarkup([[InlineKeyboardButton(texts.t("button.open"), url=url)]])
