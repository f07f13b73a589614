"""What sharing shows: who may see an entry, the steps of letting others in, and the list of all that is shared. Pure."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Sequence

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from telpher.actions.cards import Card
from telpher.actions.share import Access, Others, Shared, SharedState, Span
from telpher.actions.share_book import ShareRecord, TargetToken
from telpher.actions.shares import ShareList
from telpher.actions.unshare import AllRevoked, Revoked
from telpher.bot.callbacks import (
    ChooseRole,
    ChooseSpan,
    ConfirmShare,
    DoShare,
    DoToEntry,
    EntryDeed,
    Grantee,
    ListShares,
    RevokeAll,
    RevokeAllSurely,
    RevokeListed,
    RevokeShare,
    ShareWith,
    UndoDeed,
)
from telpher.bot.formats import escape, shorten, when
from telpher.bot.keyboards import Back, Row, button, card_of, icon
from telpher.bot.texts import Texts
from telpher.bot.views import Screen, bold
from telpher.drives.port import GrantRole

_WHO_LIMIT = 40
_LISTED_LIMIT = 15
_COPY_LIMIT = 256  # https://core.telegram.org/bots/api#copytextbutton


def panel(texts: Texts, state: SharedState, back: Back | None = None, note: str = "") -> Screen:
    """Who may see an entry; ways to let others in, and out again. `back` is where its card leads back to."""
    lines = [_title(state.card)]
    if note:
        lines.append(note)
    rows: list[Row] = []
    if state.accesses:
        lines.append(texts.t("share.seen_by"))
        for access in state.accesses:
            lines.append(f"• {_access(texts, access)}")
            label = f"✖️ {shorten(_who_plain(texts, access.who), _WHO_LIMIT)}"
            rows.append([button(label, RevokeShare(access.token))])
    else:
        lines.append(texts.t("share.private"))
    token = state.card.token
    rows.append([button(texts.t("button.share_link"), ShareWith(Grantee.LINK, token))])
    rows.append([button(texts.t("button.share_address"), ShareWith(Grantee.ADDRESS, token))])
    rows.append([_back_to_card(texts, state.card, back)])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def roles(texts: Texts, others: Others) -> Screen:
    """What they may do."""
    lines = [_title(others.card), texts.t("share.to", who=_who(texts, others.who)), texts.t("share.which_role")]
    choices = [button(texts.t(f"button.role_{role.value}"), ChooseSpan(role, others.token)) for role in GrantRole]
    return Screen("\n".join(lines), InlineKeyboardMarkup([choices, [_cancel(texts, others.card)]]))


def spans(texts: Texts, others: Others, role: GrantRole) -> Screen:
    """For how long."""
    lines = [_title(others.card), f"{_who(texts, others.who)} {_may(texts, role)}.", texts.t("share.how_long")]
    choices = [button(texts.t(f"button.span_{span.value}"), ConfirmShare(role, span, others.token)) for span in Span]
    back = button(texts.t("button.back"), ChooseRole(others.token))
    return Screen("\n".join(lines), InlineKeyboardMarkup([choices, [back, _cancel(texts, others.card)]]))


def confirmation(texts: Texts, others: Others, role: GrantRole, span: Span, ends_at: dt.datetime | None) -> Screen:
    """Is that meant? Says it whole."""
    lines = [_title(others.card), texts.t("share.sure", access=_sentence(texts, others.who, role, ends_at))]
    if others.who is None:
        lines.append(texts.t("share.link_warning"))
    yes = button(texts.t("button.share_now"), DoShare(role, span, others.token))
    back = button(texts.t("button.back"), ChooseSpan(role, others.token))
    return Screen("\n".join(lines), InlineKeyboardMarkup([[yes], [back, _cancel(texts, others.card)]]))


def done(texts: Texts, shared: Shared) -> Screen:
    """It is shared: the link to pass on, and Undo."""
    lines = [_title(shared.card), f"✅ {_sentence(texts, shared.who, shared.role, shared.ends_at)}."]
    rows: list[Row] = []
    link = shared.card.entry.link
    if link and link.startswith(("https://", "http://")):
        lines.append(escape(link))
        row = [InlineKeyboardButton(texts.t("button.open"), url=link)]
        if len(link) <= _COPY_LIMIT:
            row.append(InlineKeyboardButton(texts.t("button.copy_link"), copy_text=CopyTextButton(link)))
        rows.append(row)
    manage = button(texts.t("button.share"), DoToEntry(EntryDeed.SHARE, shared.card.token))
    rows.append([manage, button(texts.t("button.undo"), UndoDeed(shared.undo_id))])
    rows.append([_back_to_card(texts, shared.card, None)])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def revoked_note(texts: Texts, revoked: Revoked) -> str:
    """What has just been taken back."""
    return texts.t("share.revoked", who=_who(texts, revoked.who))


def listing(texts: Texts, found: ShareList, note: str = "") -> Screen:
    """A page of everything that is shared, with a number to take each back."""
    lines = [note] if note else []
    if not found.entries:
        lines.append(f"🔒 {texts.t('shares.none')}")
        return Screen("\n".join(lines))
    lines.insert(0, f"👥 <b>{texts.n('shares.title', found.total)}</b>")
    numbers: Row = []
    for shared in found.entries:
        lines.append(f"\n{_title(shared.card)}")
        for access in shared.accesses:
            number = len(numbers) + 1
            lines.append(f"{number}. {_access(texts, access)}")
            numbers.append(button(f"✖️ {number}", RevokeListed(access.token, found.page)))
    rows = [numbers[start : start + 5] for start in range(0, len(numbers), 5)]
    steps: Row = []
    if found.page > 0:
        steps.append(button(texts.t("button.previous"), ListShares(found.page - 1)))
    if found.has_more:
        steps.append(button(texts.t("button.next"), ListShares(found.page + 1)))
    if steps:
        rows.append(steps)
    rows.append([button(texts.t("button.revoke_all"), RevokeAll())])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def revoke_all(texts: Texts, total: int) -> Screen:
    """Is that meant?"""
    yes = button(texts.t("button.revoke_all_surely"), RevokeAllSurely())
    no = button(texts.t("button.back"), ListShares(0))
    return Screen(texts.n("shares.revoke_all", total), InlineKeyboardMarkup([[yes], [no]]))


def all_revoked(texts: Texts, ended: AllRevoked) -> Screen:
    """How it went."""
    lines = [f"🔒 {texts.n('shares.all_revoked', ended.done)}"]
    if ended.failed:
        lines.append(f"⚠️ {texts.n('shares.not_revoked', ended.failed)}")
        return Screen("\n".join(lines), InlineKeyboardMarkup([[button(texts.t("button.back"), ListShares(0))]]))
    return Screen("\n".join(lines))


def not_ended(texts: Texts, record: ShareRecord, why: str, token: TargetToken | None) -> Screen:
    """A share whose end could not be carried out. `token` names it where we can still try; None where only its person can."""
    lines = [
        texts.t("share.not_ended"),
        f"{bold(record.name)}\n{_sentence(texts, record.target.who, record.role, record.ends_at)}",
        why,
        texts.t("share.end_there" if token is None else "share.end_here"),
    ]
    rows: list[Row] = []
    if token is not None:
        rows.append([button(texts.t("button.end_now"), RevokeShare(token))])
    if record.link and record.link.startswith(("https://", "http://")):
        rows.append([InlineKeyboardButton(texts.t("button.open"), url=record.link)])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows) if rows else None)


def left_open(texts: Texts, title: str, records: Sequence[ShareRecord]) -> Screen:
    """Shares that nobody will end any more, as their drive is being disconnected."""
    lines = [texts.n("share.left_open", len(records), title=escape(title))]
    for record in records[:_LISTED_LIMIT]:
        access = _sentence(texts, record.target.who, record.role, record.ends_at)
        lines.append(f"• {_linked(record)}: {access}")
    if len(records) > _LISTED_LIMIT:
        lines.append(texts.n("share.and_more", len(records) - _LISTED_LIMIT))
    return Screen("\n".join(lines))


def left_open_by(texts: Texts, name: str, count: int) -> Screen:
    """The same to an owner, of somebody who was removed: what it is, is not for them to see."""
    return Screen(texts.n("share.left_open_by", count, name=bold(name)))


def _linked(record: ShareRecord) -> str:
    name = escape(shorten(record.name, 80))
    if not record.link or not record.link.startswith(("https://", "http://")):
        return name
    return f'<a href="{html.escape(record.link)}">{name}</a>'


def _title(card: Card) -> str:
    return f"{icon(card.entry.mime_type, is_folder=card.entry.is_folder)} {bold(card.entry.name)}"


def _who_plain(texts: Texts, who: str | None) -> str:
    if who is None:
        return texts.t("share.anyone")
    return texts.t("share.everyone_at", domain=who[1:]) if who.startswith("@") else who


def _who(texts: Texts, who: str | None) -> str:
    return escape(shorten(_who_plain(texts, who), 80))


def _may(texts: Texts, role: GrantRole) -> str:
    return texts.t(f"share.may.{role.value}")


def _until(texts: Texts, ends_at: dt.datetime | None) -> str:
    return texts.t("share.until", date=when(texts, ends_at)) if ends_at else texts.t("share.for_good")


def _sentence(texts: Texts, who: str | None, role: GrantRole, ends_at: dt.datetime | None) -> str:
    return f"{_who(texts, who)} {_may(texts, role)} {_until(texts, ends_at)}"


def _access(texts: Texts, access: Access) -> str:
    sentence = f"{_who(texts, access.who)} {_may(texts, access.role)}"
    return f"{sentence} {_until(texts, access.ends_at)}" if access.ends_at else sentence


def _cancel(texts: Texts, card: Card) -> InlineKeyboardButton:
    return button(texts.t("button.cancel"), DoToEntry(EntryDeed.SHARE, card.token))


def _back_to_card(texts: Texts, card: Card, back: Back | None) -> InlineKeyboardButton:
    return button(texts.t("button.back"), card_of(card, back))
