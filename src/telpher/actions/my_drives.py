"""My drives: what a person has connected, with room and state; switch, disconnect, shared drives, what a team is offered."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from telpher.access import Access, EntryRefs, Right, Role
from telpher.accounts.google_browser import WHOLE_DRIVE_SCOPE
from telpher.accounts.google_oauth import AuthorizedUser, revoke
from telpher.accounts.vault import AccountId, Vault
from telpher.actions.personal_drives import GOOGLE, LinkedDrive, LinkKind, PersonalDrives
from telpher.drives.port import Capability, EntryId, Quota, TellsQuota
from telpher.errors import AccessDeniedError, DriveError, LoginRequiredError, StaleButtonError
from telpher.jobs.port import Queue

_THE_DRIVE = EntryId("")
"""What a token in a button names when it names the drive itself."""
_LOOK_LIMIT_S = 5.0


class DriveState(enum.StrEnum):
    """Whether it can be used."""

    WELL = "well"
    NEEDS_LOGIN = "needs_login"
    UNREACHABLE = "unreachable"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DriveCard:
    """One drive as its person sees it."""

    link: LinkedDrive
    token: str
    is_chosen: bool
    state: DriveState = DriveState.WELL
    quota: Quota | None = None
    is_mine: bool = True
    """False for what the team was offered by somebody else."""
    may_disconnect: bool = False
    may_offer: bool = False

    @property
    def sees_all(self) -> bool:
        """Whether the whole drive was granted."""
        return WHOLE_DRIVE_SCOPE in self.link.scopes


class HasSharedDrives(Protocol):
    """A drive of Google's."""

    async def shared_drives(self) -> tuple[tuple[str, str], ...]: ...


@dataclasses.dataclass(frozen=True)
class SharedChoice:
    """A shared drive that could be put on the list."""

    title: str
    token: str


class MyDrives:
    """Another person's drive is to everyone else as if it did not exist."""

    def __init__(
        self,
        *,
        access: Access,
        drives: PersonalDrives,
        refs: EntryRefs,
        vault: Vault,
        queue: Queue,
        oauth_url: str,
        end_shares: Callable[[LinkedDrive], Awaitable[None]],
    ) -> None:
        """`end_shares` is told of a drive that is about to be disconnected, and ends what could not be ended afterwards."""
        self._access = access
        self._end_shares = end_shares
        self._drives = drives
        self._refs = refs
        self._vault = vault
        self._queue = queue
        self._oauth_url = oauth_url

    async def list_for(self, person_id: int) -> tuple[DriveCard, ...]:
        """All of them, each asked how much room it has. Raises AccessDeniedError."""
        self._check(person_id)
        chosen = await self._drives.chosen(person_id)
        links = await self._drives.list_for(person_id)
        return tuple(await asyncio.gather(*(self._look(person_id, link, chosen) for link in links)))

    async def show(self, person_id: int, token: str) -> DriveCard:
        """One of them. Raises AccessDeniedError, StaleButtonError."""
        link = await self.find(person_id, token)
        return await self._look(person_id, link, await self._drives.chosen(person_id))

    async def find(self, person_id: int, token: str) -> LinkedDrive:
        """What a button names. Raises AccessDeniedError, StaleButtonError."""
        self._check(person_id)
        ref = await self._refs.redeem(person_id, token)
        link = await self._drives.find(person_id, ref.drive)
        if link is None or ref.entry_id != _THE_DRIVE:
            raise StaleButtonError("no such drive of theirs")
        return link

    async def token_of(self, person_id: int, drive: str) -> str:
        """Names a drive in this person's buttons."""
        return await self._refs.token_for(person_id, drive, _THE_DRIVE)

    async def choose(self, person_id: int, token: str) -> None:
        """New files go there from now on."""
        await self._drives.choose(person_id, (await self.find(person_id, token)).name)

    async def disconnect(self, person_id: int, token: str) -> LinkedDrive:
        """Forget the log-in, here and at Google; what is on its way there ends. Raises StaleButtonError, AccessDeniedError."""
        link = await self.find(person_id, token)
        if not _may_disconnect(person_id, link):
            raise AccessDeniedError("that drive is not theirs to disconnect")
        await self._end(link)
        return link

    async def disconnect_all_of(self, person_id: int) -> None:
        """The same for all that somebody has who was shown the door."""
        for link in await self._drives.list_for(person_id):
            if _may_disconnect(person_id, link):
                await self._end(link)

    async def _end(self, link: LinkedDrive) -> None:
        await self._end_shares(link)
        secret = None
        if link.kind is LinkKind.GOOGLE:
            number = AccountId(int(link.account.removeprefix(f"{GOOGLE}-")))
            if await self._vault.count_of(GOOGLE, link.title) == 1:
                # Google ends everything that this account granted to us at once: also what another person connected.
                secret = await self._secret(number)
        await self._drives.remove(link)
        # Those that wait go on, and end at once with the reason.
        await self._queue.resume_account(link.account)
        if secret is not None:
            with_google = AuthorizedUser.from_json(secret)
            await self._end_at_google(with_google)

    async def shared_choices(self, person_id: int, token: str) -> tuple[SharedChoice, ...]:
        """The shared drives that an account is in. Raises DriveError."""
        link = await self.find(person_id, token)
        drive = cast("HasSharedDrives", await self._drives.of(person_id, link.name))
        listed = await drive.shared_drives()
        tokens = await self._refs.tokens_for(person_id, link.account, [EntryId(drive_id) for drive_id, _ in listed])
        return tuple(SharedChoice(title, tokens[EntryId(drive_id)]) for drive_id, title in listed)

    async def add_shared(self, person_id: int, token: str) -> DriveCard:
        """Put a shared drive on the list. Raises StaleButtonError when the account is in it no longer."""
        self._check(person_id)
        ref = await self._refs.redeem(person_id, token)
        link = await self._drives.find(person_id, ref.drive)
        if link is None or link.kind is not LinkKind.GOOGLE or link.holder_id != person_id:
            raise StaleButtonError("no such account of theirs")
        drive = cast("HasSharedDrives", await self._drives.of(person_id, link.name))
        title = dict(await drive.shared_drives()).get(ref.entry_id)
        if title is None:
            raise StaleButtonError("the account is in it no longer")
        name = await self._drives.add_shared(person_id, link.account, ref.entry_id, title)
        return await self.show(person_id, await self.token_of(person_id, name))

    async def offer(self, person_id: int, token: str, *, is_for_team: bool) -> DriveCard:
        """Let all who are let in use it, or no longer. Only an owner may. Raises AccessDeniedError, StaleButtonError."""
        link = await self.find(person_id, token)
        if not self._may_offer(person_id, link):
            raise AccessDeniedError("only an owner offers a drive of their own to the team")
        await self._drives.offer(link.name, is_for_team=is_for_team)
        return await self.show(person_id, token)

    async def _look(self, person_id: int, link: LinkedDrive, chosen: LinkedDrive | None) -> DriveCard:
        card = DriveCard(
            link=link,
            token=await self.token_of(person_id, link.name),
            is_chosen=chosen is not None and chosen.name == link.name,
            is_mine=link.holder_id == person_id,
            may_disconnect=_may_disconnect(person_id, link),
            may_offer=self._may_offer(person_id, link),
        )
        try:
            async with asyncio.timeout(_LOOK_LIMIT_S):
                drive = await self._drives.of(person_id, link.name)
                if Capability.QUOTA not in drive.capabilities:
                    return card
                return dataclasses.replace(card, quota=await cast("TellsQuota", drive).quota())
        except LoginRequiredError:
            return dataclasses.replace(card, state=DriveState.NEEDS_LOGIN)
        except (DriveError, TimeoutError):
            return dataclasses.replace(card, state=DriveState.UNREACHABLE)

    async def _secret(self, account_id: AccountId) -> str | None:
        try:
            return await self._vault.secret(account_id)
        except LoginRequiredError:
            return None

    async def _end_at_google(self, user: AuthorizedUser) -> None:
        try:
            await revoke(user, self._oauth_url)
        except DriveError:
            # It is forgotten here in any case; Google ends a grant that nobody uses.
            return

    def _may_offer(self, person_id: int, link: LinkedDrive) -> bool:
        is_theirs = link.kind is LinkKind.SHARED and link.holder_id == person_id
        return is_theirs and self._access.role_of(person_id) is Role.OWNER

    def _check(self, person_id: int) -> None:
        self._access.require(person_id, Right.USE_DRIVE)


def _may_disconnect(person_id: int, link: LinkedDrive) -> bool:
    is_theirs = link.holder_id == person_id and link.kind is not LinkKind.FOLDER
    # The settings' own account is the operator's to take away, on the server.
    return is_theirs and link.name != GOOGLE
