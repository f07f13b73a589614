"""What owners see of the people whom they let in, and everybody of themselves. Pure."""

from __future__ import annotations

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from telpher.access import EntryToken, Person, Role
from telpher.access.invitations import Invitation
from telpher.actions.browse import Listing
from telpher.actions.limited_queue import MyUse
from telpher.actions.people import Household, Invited
from telpher.bot.formats import day, duration, escape, shorten, size, when
from telpher.bot.keyboards import Row, button
from telpher.bot.people_callbacks import (
    AskRemoval,
    Invite,
    InviteAs,
    InvitedRole,
    ListPeople,
    LookForGuestFolder,
    MakeMember,
    RemovePerson,
    ShowPerson,
    TakeGuestFolder,
    WithdrawInvitation,
)
from telpher.bot.texts import Texts
from telpher.bot.views import Screen, bold

TOP = EntryToken("-")
NOBODY_YET = 0

_PAGE_SIZE = 8
_NAME_LIMIT = 30
_ICONS = {Role.OWNER: "👑", Role.MEMBER: "👤", Role.GUEST: "📥"}


def name_of(person: Person) -> str:
    """The first name, or the id of somebody who never wrote."""
    return shorten(person.first_name, _NAME_LIMIT) or str(person.id)


def whom_to_invite(texts: Texts) -> Screen:
    """`/invite`."""
    row = [
        button(texts.t("invite.member"), InviteAs(InvitedRole.MEMBER)),
        button(texts.t("invite.guest"), InviteAs(InvitedRole.GUEST)),
    ]
    return Screen(texts.t("invite.question"), InlineKeyboardMarkup([row]))


def guest_folder(texts: Texts, person_id: int, found: Listing) -> Screen:
    """The folders of a folder, to choose a guest's from."""
    title = texts.t("files.title") if found.is_root else escape(shorten(found.folder.entry.name, 80))
    cards = [card for card in found.cards if card.entry.is_folder]
    rows: list[Row] = [[button(texts.t("invite.this_folder"), TakeGuestFolder(person_id, found.folder.token))]]
    rows += [
        [button(f"📁 {shorten(card.entry.name, 42)}", LookForGuestFolder(person_id, card.token, 0))] for card in cards
    ]
    steps: Row = []
    if found.page > 0:
        before = LookForGuestFolder(person_id, found.folder.token, found.page - 1)
        steps.append(button(texts.t("button.previous"), before))
    if found.has_more:
        steps.append(button(texts.t("button.next"), LookForGuestFolder(person_id, found.folder.token, found.page + 1)))
    if steps:
        rows.append(steps)
    if not found.is_root:
        rows.append([button(texts.t("button.up"), LookForGuestFolder(person_id, found.folder.parent or TOP, 0))])
    rows.append([button(texts.t("button.back"), Invite() if person_id == NOBODY_YET else ShowPerson(person_id))])
    return Screen(f"📂 <b>{title}</b>\n{texts.t('invite.which_folder')}", InlineKeyboardMarkup(rows))


def invitation(texts: Texts, invited: Invited, bot_name: str) -> Screen:
    """The link, shown this once."""
    made = invited.invitation
    # https://core.telegram.org/bots/features#deep-linking
    link = f"https://t.me/{bot_name}?start={invited.code}"
    lines = [
        texts.t("invite.link", role=_role(texts, made.role), date=when(texts, made.ends_at)),
        *([texts.t("people.folder", folder=bold(made.folder.name))] if made.folder else []),
        "",
        link,
    ]
    withdraw = button(texts.t("invite.withdraw"), WithdrawInvitation(made.id))
    return Screen("\n".join(lines), InlineKeyboardMarkup([[withdraw]]))


def came_in(texts: Texts, person: Person) -> Screen:
    """What the owner reads when somebody has used their link."""
    text = texts.t("invite.came", name=bold(name_of(person)), id=person.id, role=_role(texts, person.role))
    return Screen(f"🔔 {text}", InlineKeyboardMarkup([[_open(person)]]))


def people(texts: Texts, household: Household, page: int) -> Screen:
    """`/people`."""
    everyone = household.people
    last_page = max(0, (len(everyone) - 1) // _PAGE_SIZE)
    page = min(page, last_page)
    shown = everyone[page * _PAGE_SIZE : (page + 1) * _PAGE_SIZE]
    lines = [f"<b>{texts.n('people.title', len(everyone))}</b>"]
    lines += [f"{_ICONS[one.role]} {escape(name_of(one))} · {_role(texts, one.role)}" for one in shown]
    rows: list[Row] = [[_open(one)] for one in shown if one.role is not Role.OWNER]
    steps: Row = []
    if page > 0:
        steps.append(button(texts.t("button.previous"), ListPeople(page - 1)))
    if page < last_page:
        steps.append(button(texts.t("button.next"), ListPeople(page + 1)))
    if steps:
        rows.append(steps)
    if household.invitations:
        lines += ["", texts.n("people.invitations", len(household.invitations))]
        rows += [[_withdraw(texts, one)] for one in household.invitations[:_PAGE_SIZE]]
    rows.append([button(texts.t("people.invite"), Invite())])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def person(texts: Texts, shown: Person, use: MyUse, note: str = "") -> Screen:
    """One of them, as the owner sees it."""
    lines = [f"{_ICONS[shown.role]} {bold(name_of(shown))} · {_role(texts, shown.role)} · <code>{shown.id}</code>"]
    if shown.folder is not None:
        lines.append(texts.t("people.folder", folder=bold(shown.folder.name)))
    lines += ["", *_use(texts, use)]
    if note:
        lines += ["", note]
    rows: list[Row] = []
    if shown.role is Role.GUEST:
        rows.append([button(texts.t("people.make_member"), MakeMember(shown.id))])
        rows.append([button(texts.t("people.other_folder"), LookForGuestFolder(shown.id, TOP, 0))])
    if shown.role is Role.MEMBER:
        rows.append([button(texts.t("people.make_guest"), LookForGuestFolder(shown.id, TOP, 0))])
    if shown.role is not Role.OWNER:
        rows.append([button(texts.t("people.remove"), AskRemoval(shown.id))])
    rows.append([button(texts.t("button.back"), ListPeople(0))])
    return Screen("\n".join(lines), InlineKeyboardMarkup(rows))


def really_remove(texts: Texts, shown: Person) -> Screen:
    """Before somebody is removed."""
    row = [
        button(texts.t("people.remove_yes"), RemovePerson(shown.id)),
        button(texts.t("button.back"), ShowPerson(shown.id)),
    ]
    return Screen(texts.t("people.remove_question", name=bold(name_of(shown))), InlineKeyboardMarkup([row]))


def me(texts: Texts, shown: Person, use: MyUse) -> Screen:
    """`/me`."""
    lines = [texts.t("whoami.text", id=shown.id, role=_role(texts, shown.role))]
    if shown.folder is not None:
        lines.append(texts.t("people.folder", folder=bold(shown.folder.name)))
    return Screen("\n".join([*lines, "", *_use(texts, use)]))


def start_of_guest(texts: Texts, shown: Person) -> Screen:
    """The first words to a guest."""
    folder = bold(shown.folder.name) if shown.folder else "…"
    return Screen(texts.t("start.guest", name=escape(shown.first_name), folder=folder))


def _use(texts: Texts, use: MyUse) -> list[str]:
    limits = use.limits
    computed = duration(texts, use.used.cpu_s) if use.used.cpu_s else texts.t("format.seconds", seconds=0)
    carried = size(texts, use.used.size_bytes)
    if limits is not None and limits.day_bytes:
        carried = texts.t("use.of", used=carried, limit=size(texts, limits.day_bytes))
    if limits is not None and limits.day_cpu_s:
        computed = texts.t("use.of", used=computed, limit=duration(texts, limits.day_cpu_s))
    under_way = str(use.unfinished)
    if limits is not None and limits.queue_length:
        under_way = texts.t("use.of", used=under_way, limit=limits.queue_length)
    lines = [
        texts.t("use.today", left=duration(texts, use.left_s)),
        texts.t("use.bytes", amount=carried),
        texts.t("use.cpu", amount=computed),
        texts.t("use.queue", amount=under_way),
    ]
    if limits is None:
        return [*lines, texts.t("use.unlimited")]
    return [*lines, texts.n("use.at_once", limits.jobs_at_once)]


def _role(texts: Texts, role: Role) -> str:
    return texts.t(f"role.{role.value}")


def _open(person: Person) -> InlineKeyboardButton:
    return button(f"{_ICONS[person.role]} {name_of(person)}", ShowPerson(person.id))


def _withdraw(texts: Texts, one: Invitation) -> InlineKeyboardButton:
    label = texts.t("people.withdraw", role=_role(texts, one.role), date=day(texts, one.ends_at))
    return button(label, WithdrawInvitation(one.id))
