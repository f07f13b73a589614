"""`/invite`, `/people`, `/me`, and the buttons under them."""

from __future__ import annotations

from telpher.access import Role
from telpher.bot import people_views
from telpher.bot.handlers.asked import Asked
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
from telpher.bot.views import Screen, bold


async def invite(asked: Asked) -> None:
    """`/invite`: whom?"""
    asked.desk.people.check(asked.person.id)
    await asked.show(people_views.whom_to_invite(asked.texts))


async def ask_whom(asked: Asked, _callback: Invite) -> None:
    """The same, from the list of people."""
    asked.desk.people.check(asked.person.id)
    await asked.put(people_views.whom_to_invite(asked.texts))


async def invite_as(asked: Asked, callback: InviteAs) -> None:
    """A member's link at once; a guest needs a folder first."""
    if callback.role is InvitedRole.GUEST:
        await _show_folders(asked, people_views.NOBODY_YET, people_views.TOP, 0)
        return
    invited = await asked.desk.people.invite(asked.person.id, Role.MEMBER, key=asked.key)
    await asked.put(people_views.invitation(asked.texts, invited, asked.desk.identity.username))


async def look_for_folder(asked: Asked, callback: LookForGuestFolder) -> None:
    """Further in, or up again."""
    await _show_folders(asked, callback.person_id, callback.token, callback.page)


async def take_folder(asked: Asked, callback: TakeGuestFolder) -> None:
    """A guest's folder was chosen."""
    people = asked.desk.people
    if callback.person_id == people_views.NOBODY_YET:
        invited = await people.invite(asked.person.id, Role.GUEST, key=asked.key, folder_token=callback.token)
        await asked.put(people_views.invitation(asked.texts, invited, asked.desk.identity.username))
        return
    changed = await people.change_role(asked.person.id, callback.person_id, Role.GUEST, folder_token=callback.token)
    await asked.put(people_views.person(asked.texts, *changed, note=f"✅ {asked.texts.t('people.changed')}"))


async def withdraw(asked: Asked, callback: WithdrawInvitation) -> None:
    """Nobody can use it any more."""
    is_withdrawn = await asked.desk.people.withdraw(asked.person.id, callback.invitation_id)
    await asked.put(Screen(asked.texts.t("invite.withdrawn" if is_withdrawn else "invite.used")))


async def people(asked: Asked) -> None:
    """`/people`: everyone who is served."""
    household = await asked.desk.people.household(asked.person.id)
    await asked.show(people_views.people(asked.texts, household, 0))


async def list_people(asked: Asked, callback: ListPeople) -> None:
    """The same in place, or another page of it."""
    household = await asked.desk.people.household(asked.person.id)
    await asked.put(people_views.people(asked.texts, household, callback.page))


async def show_person(asked: Asked, callback: ShowPerson) -> None:
    """One of them."""
    found = await asked.desk.people.find(asked.person.id, callback.person_id)
    await asked.put(people_views.person(asked.texts, *found))


async def make_member(asked: Asked, callback: MakeMember) -> None:
    """A guest becomes a member."""
    changed = await asked.desk.people.change_role(asked.person.id, callback.person_id, Role.MEMBER)
    await asked.put(people_views.person(asked.texts, *changed, note=f"✅ {asked.texts.t('people.changed')}"))


async def ask_removal(asked: Asked, callback: AskRemoval) -> None:
    """Really?"""
    person, _ = await asked.desk.people.find(asked.person.id, callback.person_id)
    await asked.put(people_views.really_remove(asked.texts, person))


async def remove(asked: Asked, callback: RemovePerson) -> None:
    """Yes."""
    person = await asked.desk.people.remove(asked.person.id, callback.person_id)
    screen = people_views.people(asked.texts, await asked.desk.people.household(asked.person.id), 0)
    told = asked.texts.t("people.removed", name=bold(people_views.name_of(person)))
    await asked.put(Screen(f"✖️ {told}\n\n{screen.text}", screen.keyboard))


async def me(asked: Asked) -> None:
    """`/me`: who one is here, what one may, and what one has used today."""
    use = await asked.desk.people.use_of(asked.person.id)
    await asked.show(people_views.me(asked.texts, asked.person, use))


async def _show_folders(asked: Asked, person_id: int, token: str, page: int) -> None:
    asked.desk.people.check(asked.person.id)
    found = await asked.desk.browse.folders(asked.person.id, None if token == people_views.TOP else token, page)
    await asked.put(people_views.guest_folder(asked.texts, person_id, found))
