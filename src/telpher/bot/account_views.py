"""What is shown of connected drives and of log-ins. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from telpher.actions.connect_google import BROWSER_LOGIN_S, CodeToShow, Connected, PageToOpen
from telpher.actions.my_drives import DriveCard, DriveState, SharedChoice
from telpher.actions.personal_drives import LinkedDrive, LinkKind
from telpher.bot.callbacks import Connect, ConnectWay, DoToDrive, DriveDeed, ListDrives, OfferConnect, StopLogin
from telpher.bot.formats import bar, escape, percent, reason, shorten, size, when
from telpher.bot.keyboards import Row, button
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.errors import LoginClientMissingError, TelpherError

_TITLE_LIMIT = 60
_LABEL_LIMIT = 42
_ICONS = {LinkKind.FOLDER: "🗄", LinkKind.GOOGLE: "☁️", LinkKind.SHARED: "👥"}


def ways(texts: Texts) -> Screen:
    """Which drive to connect."""
    rows = [
        [button(f"☁️ {texts.t('connect.google_device')}", Connect(ConnectWay.CODE))],
        [button(f"☁️ {texts.t('connect.google_whole')}", Connect(ConnectWay.WHOLE))],
    ]
    return Screen(texts.t("connect.ways"), InlineKeyboardMarkup(rows))


def code(texts: Texts, shown: CodeToShow) -> Screen:
    """The address and the code."""
    text = texts.t(
        "connect.code",
        address=escape(shown.address),
        code=escape(shown.code),
        minutes=max(1, round(shown.lasts_s / 60)),
    )
    page = f"{shown.address}?{urlencode({'user_code': shown.code})}"
    copy = InlineKeyboardButton(texts.t("connect.copy_code", code=shown.code), copy_text=CopyTextButton(shown.code))
    return Screen(text, InlineKeyboardMarkup([[_opening(texts, page)], [copy], [_stopping(texts)]]))


def page(texts: Texts, shown: PageToOpen) -> Screen:
    """The way through the browser."""
    text = texts.t("connect.whole_public" if shown.is_public else "connect.whole", minutes=round(BROWSER_LOGIN_S / 60))
    return Screen(text, InlineKeyboardMarkup([[_opening(texts, shown.url)], [_stopping(texts)]]))


def connected(texts: Texts, done: Connected) -> Screen:
    """A log-in that worked."""
    lines = [texts.t("connect.connected", subject=escape(done.subject))]
    if done.is_default:
        lines.append(texts.t("connect.new_default"))
    if done.resumed:
        lines.append(texts.n("connect.renewed", done.resumed))
    return Screen("\n".join(lines))


def not_connected(texts: Texts, error: TelpherError, again: DoToDrive | None) -> Screen:
    """Why a log-in did not work, and the way to another try. `again` renews an account."""
    begin = button(texts.t("connect.again"), again if again is not None else OfferConnect())
    can_try = not isinstance(error, LoginClientMissingError)
    return Screen(
        f"⚠️ {reason(texts, error.text_key, error.params)}", InlineKeyboardMarkup([[begin]]) if can_try else None
    )


def stopped(texts: Texts) -> Screen:
    """A log-in that is not wanted any more."""
    return Screen(texts.t("connect.stopped"))


def login_ended(texts: Texts, title: str, token: str, *, is_testing: bool, ends_waiting: int) -> Screen:
    """An account that lets us in no longer; shares whose end comes meanwhile stay open."""
    again = button(texts.t("login.again"), DoToDrive(DriveDeed.LOGIN, token))
    lines = [texts.t("login.ended_testing" if is_testing else "login.ended", subject=escape(title))]
    if ends_waiting:
        lines.append(texts.n("login.ends_wait", ends_waiting))
    return Screen("\n".join(lines), InlineKeyboardMarkup([[again]]))


def connecting(texts: Texts) -> InlineKeyboardMarkup:
    """Under whatever a new log-in would help."""
    return InlineKeyboardMarkup([[button(texts.t("accounts.connect"), OfferConnect())]])


def drives(texts: Texts, cards: Sequence[DriveCard]) -> Screen:
    """`/accounts`."""
    if not cards:
        return Screen(texts.t("accounts.none"), connecting(texts))
    lines = [f"<b>{texts.t('accounts.title')}</b>"]
    rows: list[Row] = []
    for card in cards:
        mark = "✔️ " if card.is_chosen and len(cards) > 1 else ""
        lines.append("\n".join([f"{mark}<b>{escape(title_of(texts, card.link))}</b>", *_facts(texts, card)]))
        label = f"{_ICONS[card.link.kind]} {shorten(title_of(texts, card.link), _LABEL_LIMIT)}"
        rows.append([button(label, DoToDrive(DriveDeed.SHOW, card.token))])
    if len(cards) > 1:
        lines.append(texts.t("accounts.hint"))
    return Screen("\n\n".join(lines), InlineKeyboardMarkup([*rows, *connecting(texts).inline_keyboard]))


def drive(texts: Texts, card: DriveCard, note: str = "") -> Screen:
    """One drive and what can be done with it."""
    lines = [f"{_ICONS[card.link.kind]} <b>{escape(title_of(texts, card.link))}</b>", *_facts(texts, card)]
    if card.is_chosen:
        lines.append(texts.t("accounts.is_default"))
    if card.link.is_for_team and card.is_mine:
        lines.append(texts.t("accounts.offered"))
    if note:
        lines.append(note)
    deeds: list[tuple[str, DriveDeed]] = []
    if card.state is DriveState.NEEDS_LOGIN and card.is_mine:
        deeds.append(("login.again", DriveDeed.LOGIN))
    if not card.is_chosen:
        deeds.append(("accounts.make_default", DriveDeed.CHOOSE))
    if card.sees_all and card.link.kind is LinkKind.GOOGLE:
        deeds.append(("accounts.shared_drives", DriveDeed.SHARED))
    if card.may_offer:
        is_offered = card.link.is_for_team
        deeds.append(("accounts.withdraw", DriveDeed.WITHDRAW) if is_offered else ("accounts.offer", DriveDeed.OFFER))
    if card.may_disconnect:
        deeds.append(("accounts.disconnect", DriveDeed.DISCONNECT))
    rows = [[button(texts.t(key), DoToDrive(deed, card.token))] for key, deed in deeds]
    rows.append([button(texts.t("button.back"), ListDrives())])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def disconnect_question(texts: Texts, link: LinkedDrive, token: str) -> Screen:
    """Before what cannot be taken back."""
    key = "accounts.question_shared" if link.kind is LinkKind.SHARED else "accounts.question"
    row = [
        button(texts.t("accounts.keep"), DoToDrive(DriveDeed.SHOW, token)),
        button(texts.t("accounts.disconnect_sure"), DoToDrive(DriveDeed.DISCONNECT_SURELY, token)),
    ]
    return Screen(texts.t(key, title=escape(title_of(texts, link))), InlineKeyboardMarkup([row]))


def disconnected(texts: Texts, link: LinkedDrive) -> Screen:
    """It is gone."""
    row = [button(texts.t("button.back"), ListDrives())]
    return Screen(texts.t("accounts.disconnected", title=escape(title_of(texts, link))), InlineKeyboardMarkup([row]))


def shared_choices(texts: Texts, choices: Sequence[SharedChoice], token: str) -> Screen:
    """The shared drives of an account; `token` leads back to it."""
    rows = [
        [button(f"👥 {shorten(choice.title, _LABEL_LIMIT)}", DoToDrive(DriveDeed.ADD_SHARED, choice.token))]
        for choice in choices
    ]
    rows.append([button(texts.t("button.back"), DoToDrive(DriveDeed.SHOW, token))])
    return Screen(texts.t("accounts.choose_shared" if choices else "accounts.no_shared"), InlineKeyboardMarkup(rows))


def title_of(texts: Texts, link: LinkedDrive) -> str:
    """What a drive is called."""
    if link.kind is LinkKind.FOLDER:
        return texts.t("accounts.folder")
    return shorten(link.title, _TITLE_LIMIT) or texts.t("accounts.google")


def _facts(texts: Texts, card: DriveCard) -> list[str]:
    what = []
    if card.link.kind is LinkKind.GOOGLE:
        if card.link.title:  # else that is its title already
            what.append(texts.t("accounts.google"))
        if card.link.scopes:
            what.append(texts.t("accounts.access_whole" if card.sees_all else "accounts.access_file"))
    elif card.link.kind is LinkKind.SHARED:
        what.append(texts.t("accounts.shared" if card.is_mine else "accounts.team"))
    if card.link.since is not None:
        what.append(texts.t("accounts.since", date=when(texts, card.link.since)))
    lines = [" · ".join(what)] if what else []
    if card.state is not DriveState.WELL:
        lines.append(texts.t(f"accounts.{card.state.value}"))
    elif card.quota is not None:
        used_bytes, limit_bytes = card.quota.used_bytes, card.quota.limit_bytes
        if limit_bytes:
            fraction = used_bytes / limit_bytes
            lines.append(f"{bar(fraction)} {texts.t('format.percent', percent=percent(fraction))}")
            lines.append(texts.t("accounts.used_of", used=size(texts, used_bytes), limit=size(texts, limit_bytes)))
        else:
            lines.append(texts.t("accounts.used", used=size(texts, used_bytes)))
    return lines


def _opening(texts: Texts, url: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(texts.t("connect.open_page"), url=url)


def _stopping(texts: Texts) -> InlineKeyboardButton:
    return button(texts.t("connect.stop"), StopLogin())
