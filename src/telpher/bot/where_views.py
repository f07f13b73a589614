"""Screens about where things go: choosing a folder, where new files go, the folder that takes the next ones. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from telegram import InlineKeyboardMarkup

from telpher.actions.browse import Listing
from telpher.actions.destination import UploadTarget
from telpher.actions.errands import Errand, ErrandKind
from telpher.actions.naming import FileKind
from telpher.actions.path_template import FileFacts, PathTemplate
from telpher.actions.personal import FilesGo, PersonSettings
from telpher.bot.browse_callbacks import (
    ChooseFolder,
    ChooseFromTop,
    ChooseWhere,
    LeaveErrand,
    NewFolderFor,
    PickFolder,
    PickHome,
    ShowWhere,
    StopUploads,
    TakeTemplate,
    WhereChoice,
)
from telpher.bot.browse_views import crumbs, label, page_mark, steps
from telpher.bot.formats import clock, escape, shorten
from telpher.bot.keyboards import Row, button
from telpher.bot.texts import Texts
from telpher.bot.views import Screen, bold
from telpher.drives.port import EntryId

_NAMES_SHOWN = 5
_NAME_LIMIT = 60
_CHOICES = {
    FilesGo.HOME: (WhereChoice.HOME, "where.home"),
    FilesGo.ASK: (WhereChoice.ASK, "where.ask"),
    FilesGo.FOLDER: (WhereChoice.FOLDER, "where.folder"),
    FilesGo.TEMPLATE: (WhereChoice.TEMPLATE, "where.template"),
}
_EXAMPLES = (
    ("🖼", FileKind.PHOTO, "image/jpeg"),
    ("📄", FileKind.DOCUMENT, "application/pdf"),
    ("🎬", FileKind.VIDEO, "video/mp4"),
)
_TITLES = {ErrandKind.MOVE: "chooser.move", ErrandKind.WHERE: "chooser.where", ErrandKind.HOLD: "chooser.hold"}
_PICKS = {
    ErrandKind.MOVE: "button.move_here",
    ErrandKind.WHERE: "button.files_here",
    ErrandKind.HOLD: "button.put_here",
}


def chooser(
    texts: Texts,
    found: Listing,
    errand: Errand,
    *,
    subject: str = "",
    is_there_already: bool = False,
    hidden: EntryId | None = None,
) -> Screen:
    """Folders alone: look into one, take this one, make one. `hidden` is the entry that is being moved."""
    title = texts.t(_TITLES[errand.kind], name=bold(subject) if subject else "")
    text = f"{title}\n{crumbs(texts, found)}{page_mark(texts, found.page, has_more=found.has_more)}"
    rows: list[Row] = [
        [button(label(card), ChooseFolder(errand.id, card.token, 0))] for card in found.cards if card.entry.id != hidden
    ]
    folder = found.folder.token
    rows += steps(texts, found.page, has_more=found.has_more, to=lambda page: ChooseFolder(errand.id, folder, page))
    if not is_there_already:
        rows.append([button(texts.t(_PICKS[errand.kind]), PickFolder(errand.id, folder))])
    tools: Row = (
        [] if not found.above else [button(texts.t("button.up"), ChooseFolder(errand.id, found.above[-1].token, 0))]
    )
    tools.append(button(texts.t("button.new_folder"), NewFolderFor(errand.id, folder)))
    return Screen(
        text, InlineKeyboardMarkup([*rows, tools, [button(texts.t("button.cancel"), LeaveErrand(errand.id))]])
    )


def where(
    texts: Texts,
    settled: PersonSettings,
    folder_name: str | None,
    moment: dt.datetime,
    taking: UploadTarget | None = None,
) -> Screen:
    """Where new files go now, and where else they could; `taking` is the folder that takes the next ones meanwhile."""
    lines = [f"<b>{texts.t('where.title')}</b>"]
    match settled.files_go:
        case FilesGo.FOLDER:
            lines.append(f"📁 {bold(folder_name)}" if folder_name is not None else texts.t("where.folder_gone"))
        case FilesGo.TEMPLATE:
            lines += [
                f"🧩 <code>{escape(settled.template)}</code>",
                *examples(texts, PathTemplate(settled.template), moment),
            ]
        case _:
            lines.append(texts.t(_CHOICES[settled.files_go][1]))
    if taking is not None:
        lines.append(_taking(texts, "upload.first", taking))
    lines.append(f"\n{texts.t('where.captions')}")
    rows: list[Row] = [
        [button(f"{'• ' if one is settled.files_go else ''}{texts.t(key)}", ChooseWhere(choice))]
        for one, (choice, key) in _CHOICES.items()
    ]
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def draft(texts: Texts, template: PathTemplate, moment: dt.datetime) -> Screen:
    """Where a template would lead, before it is taken."""
    lines = [
        f"🧩 <code>{escape(template.text)}</code>",
        texts.t("where.would_go"),
        *examples(texts, template, moment),
        texts.t("where.draft_hint"),
    ]
    rows: list[Row] = [
        [button(texts.t("button.take_template"), TakeTemplate())],
        [button(texts.t("button.back"), ShowWhere())],
    ]
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def examples(texts: Texts, template: PathTemplate, moment: dt.datetime) -> list[str]:
    """Where a few files of this moment would go."""
    shown = []
    for icon, kind, mime_type in _EXAMPLES:
        path = template.fill(FileFacts(kind, mime_type, moment), texts.language)
        start = "/" if path.is_from_top else ""
        shown.append(f"{icon} {escape(start + '/'.join(path.names))}/")
    return shown


def held(texts: Texts, errand: Errand, names: Sequence[str]) -> Screen:
    """Files that wait to be told where to go."""
    lines = [texts.n("hold.question", len(names))]
    lines += [f"• {escape(shorten(name, _NAME_LIMIT))}" for name in names[:_NAMES_SHOWN] if name]
    if len(names) > _NAMES_SHOWN:
        lines.append("…")
    rows: list[Row] = [
        [button(texts.t("where.home"), PickHome(errand.id))],
        [button(texts.t("where.folder"), ChooseFromTop(errand.id))],
        [button(texts.t("button.cancel"), LeaveErrand(errand.id))],
    ]
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def uploading(texts: Texts, target: UploadTarget) -> Screen:
    """Which folder takes the next files, and until when."""
    stop = button(texts.t("button.stop"), StopUploads(target.folder.token))
    return Screen(_taking(texts, "upload.open", target), InlineKeyboardMarkup([[stop]]))


def _taking(texts: Texts, text_key: str, target: UploadTarget) -> str:
    until = dt.datetime.fromtimestamp(target.until_ms / 1000, dt.UTC)
    name = f"<b>{texts.t('files.title')}</b>" if target.is_root else bold(target.folder.entry.name)
    return f"📤 {texts.t(text_key, name=name, time=clock(until))}"
