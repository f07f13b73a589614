"""What the buttons of invitations and of people say."""

from __future__ import annotations

import dataclasses
import enum

from telpher.access import EntryToken
from telpher.bot.callbacks import Callback


class InvitedRole(enum.StrEnum):
    """What somebody can be invited to be."""

    MEMBER = "m"
    GUEST = "g"


@dataclasses.dataclass(frozen=True)
class Invite(Callback, tag="yi"):
    """Ask whom to let in."""


@dataclasses.dataclass(frozen=True)
class InviteAs(Callback, tag="ya"):
    """Make an invitation, or ask for the folder that it needs."""

    role: InvitedRole


@dataclasses.dataclass(frozen=True)
class WithdrawInvitation(Callback, tag="yw"):
    """Nobody can use it any more."""

    invitation_id: int


@dataclasses.dataclass(frozen=True)
class LookForGuestFolder(Callback, tag="yf"):
    """Show the folders of this one, to choose a guest's from. `person_id` 0 is whoever will be invited; token `-` is the top."""

    person_id: int
    token: EntryToken
    page: int


@dataclasses.dataclass(frozen=True)
class TakeGuestFolder(Callback, tag="yt"):
    """This folder it is: invite a guest into it, or make somebody a guest with it."""

    person_id: int
    token: EntryToken


@dataclasses.dataclass(frozen=True)
class ListPeople(Callback, tag="yl"):
    """Show everyone who is served."""

    page: int


@dataclasses.dataclass(frozen=True)
class ShowPerson(Callback, tag="yc"):
    """Show one of them."""

    person_id: int


@dataclasses.dataclass(frozen=True)
class MakeMember(Callback, tag="ym"):
    """A guest becomes a member."""

    person_id: int


@dataclasses.dataclass(frozen=True)
class AskRemoval(Callback, tag="yr"):
    """Ask whether they are really to be removed."""

    person_id: int


@dataclasses.dataclass(frozen=True)
class RemovePerson(Callback, tag="yx"):
    """Remove them: confirmed."""

    person_id: int
