"""Let people in, change what they may, and show them out again: an owner's business."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Sequence

from telpher.access import Access, GuestFolder, Person, Right, Role
from telpher.access.invitations import Entered, Invitation, Invitations
from telpher.actions.cards import Cards
from telpher.actions.limited_queue import LimitedQueue, MyUse
from telpher.errors import AccessDeniedError, BadInputError, StaleButtonError, TelpherError
from telpher.jobs.port import Job, JobState
from telpher.settings import Secret

_log = logging.getLogger(__name__)

Farewell = Callable[[int], Awaitable[None]]
"""Ends and forgets what one part of the house has of a person. No error when there is nothing (any more)."""

_CANCELLED_AT_ONCE = 100


@dataclasses.dataclass(frozen=True)
class Invited:
    """An invitation, and the code that is shown this once."""

    invitation: Invitation
    code: Secret


@dataclasses.dataclass(frozen=True)
class Household:
    """Everyone who is served, and the invitations that are open."""

    people: tuple[Person, ...]
    invitations: tuple[Invitation, ...]


class People:
    """Every request but `enter` asks for the right to let people in."""

    def __init__(
        self,
        *,
        access: Access,
        invitations: Invitations,
        cards: Cards,
        queue: LimitedQueue,
        free_job: Callable[[Job], Awaitable[None]],
        farewells: Sequence[Farewell],
    ) -> None:
        """`farewells` are said one after the other when somebody has been removed and their jobs have ended."""
        self._access = access
        self._invitations = invitations
        self._cards = cards
        self._queue = queue
        self._free_job = free_job
        self._farewells = tuple(farewells)

    def check(self, person_id: int) -> None:
        """Raise AccessDeniedError unless this person may let others in."""
        self._access.require(person_id, Right.LET_IN)

    # ---- coming in

    async def invite(self, owner_id: int, role: Role, *, key: str, folder_token: str | None = None) -> Invited:
        """A link for one member, or for one guest whose files go to the folder that `folder_token` means to the owner.

        Raises AccessDeniedError, BadInputError for a role that nobody can be invited to, StaleButtonError, DriveError.
        """
        self.check(owner_id)
        folder = await self._folder(owner_id, role, folder_token)
        return Invited(*await self._invitations.make(key, role=role, made_by=owner_id, folder=folder))

    async def withdraw(self, owner_id: int, invitation_id: int) -> bool:
        """Take an invitation back; False when it was used, or is gone already. Raises AccessDeniedError."""
        self.check(owner_id)
        return await self._invitations.withdraw(invitation_id)

    async def enter(self, code: str, *, person_id: int, language_code: str, first_name: str) -> Entered | None:
        """A stranger comes with a code; None when it does not let them in."""
        return await self._invitations.accept(
            code, person_id=person_id, language_code=language_code, first_name=first_name
        )

    async def entered_by(self, code: str, person: Person) -> Entered | None:
        """How somebody who is served came in by this code; None when they did not."""
        return await self._invitations.entered_by(code, person)

    async def owner_was_told(self, entered: Entered) -> None:
        """They know who came: they are not told again."""
        await self._invitations.set_told(entered.invitation.id)

    # ---- being in

    async def household(self, owner_id: int) -> Household:
        """Raises AccessDeniedError."""
        self.check(owner_id)
        return Household(tuple(self._access.everyone()), tuple(await self._invitations.open_ones()))

    async def find(self, owner_id: int, person_id: int) -> tuple[Person, MyUse]:
        """One of them, with what they use. Raises AccessDeniedError, StaleButtonError when they are not served (any more)."""
        self.check(owner_id)
        person = self._access.find(person_id)
        if person is None:
            raise StaleButtonError("nobody who is served")
        return person, await self._queue.use_of(person_id)

    async def use_of(self, person_id: int) -> MyUse:
        """One's own limits and use. Raises AccessDeniedError for strangers."""
        if not self._access.is_served(person_id):
            raise AccessDeniedError(f"{person_id} is a stranger")
        return await self._queue.use_of(person_id)

    async def change_role(
        self, owner_id: int, person_id: int, role: Role, *, folder_token: str | None = None
    ) -> tuple[Person, MyUse]:
        """Make somebody a member, or a guest with a folder. Raises as `invite` and `find` do; owners cannot be changed."""
        person, _ = await self.find(owner_id, person_id)
        if person.role is Role.OWNER:
            raise BadInputError("owners stand in the settings")
        await self._access.let_in(person_id, role, await self._folder(owner_id, role, folder_token))
        if role is Role.GUEST and person.role is not Role.GUEST:
            # What was under way went to a drive that a guest has not.
            await self._end_jobs(person_id)
        return await self.find(owner_id, person_id)

    # ---- going

    async def remove(self, owner_id: int, person_id: int) -> Person:
        """Nothing of theirs goes on when this returns: their jobs, upload sessions, tokens and buttons are gone.

        From the first moment they are a stranger; should we be interrupted, `finish_removals` does the rest. Raises AccessDeniedError,
        StaleButtonError, BadInputError for an owner.
        """
        person, _ = await self.find(owner_id, person_id)
        if person.role is Role.OWNER:
            raise BadInputError("owners stand in the settings")
        await self._access.shut_out(person_id)
        await self._see_out(person_id)
        return person

    async def finish_removals(self) -> None:
        """Go on with what an earlier process began; call it once the queue runs."""
        for person_id in self._access.leaving:
            await self._see_out(person_id)

    async def _see_out(self, person_id: int) -> None:
        await self._end_jobs(person_id)
        is_done = True
        for farewell in self._farewells:
            try:
                await farewell(person_id)
            except TelpherError as error:
                # Such as a drive that does not answer: the next start tries again, and they stay out meanwhile.
                _log.warning("a part of somebody who was removed stays until the next start: %s", error)
                is_done = False
        if is_done:
            await self._access.forget(person_id)

    async def _end_jobs(self, person_id: int) -> None:
        while jobs := await self._queue.list_for(person_id, limit=_CANCELLED_AT_ONCE):
            cancelled = await self._queue.cancel_all([job.id for job in jobs])
            for job in jobs:
                # A running one says so itself when it is cancelled.
                if job.id in cancelled and job.state is not JobState.RUNNING:
                    await self._free_job(job)

    async def _folder(self, owner_id: int, role: Role, token: str | None) -> GuestFolder | None:
        if role is Role.MEMBER and token is None:
            return None
        if role is not Role.GUEST or token is None:
            raise BadInputError("a guest needs a folder, and nobody else has one")
        opened = await self._cards.open(owner_id, token)
        folder = await opened.drive.stat(opened.entry_id)
        if not folder.is_folder or folder.is_trashed:
            raise StaleButtonError("no folder any more")
        return GuestFolder(owner_id, opened.drive.name, folder.id, folder.name)
