"""Share: let others in to an entry, as a separate act that its person has confirmed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import re

from telpher.actions.cards import Card, Cards
from telpher.actions.settle_share import SettleShare, sharing, standing_grant
from telpher.actions.share_book import ShareBook, ShareRecord, Target, TargetToken
from telpher.actions.undo import Deed, UndoId, UndoLog
from telpher.drives.port import Drive, Entry, EntryId, GrantRole
from telpher.errors import BadInputError, EntryNotFoundError

# What can be an address at all; who is behind it, the drive knows (https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1).
_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@[^@\s<>()\[\],;:\\\"]{1,189}\.[\w-]{2,63}")


class Span(enum.StrEnum):
    """How long a share lasts."""

    DAY = "day"
    WEEK = "week"
    FOREVER = "forever"


_LASTS = {Span.DAY: dt.timedelta(days=1), Span.WEEK: dt.timedelta(days=7)}


class AddressInvalidError(BadInputError):
    """What the person sent is no e-mail address."""

    text_key = "error.address_invalid"


@dataclasses.dataclass(frozen=True)
class Others:
    """Whom an entry may be shared with, as a button names them."""

    card: Card
    who: str | None
    token: TargetToken


@dataclasses.dataclass(frozen=True)
class Access:
    """Who may do what to an entry now. `ends_at` is None for what stands until it is revoked."""

    who: str | None
    role: GrantRole
    ends_at: dt.datetime | None
    token: TargetToken


@dataclasses.dataclass(frozen=True)
class SharedState:
    """An entry and everybody else who may see it."""

    card: Card
    accesses: tuple[Access, ...]


@dataclasses.dataclass(frozen=True)
class Shared:
    """It is done. `undo_id` takes it back."""

    card: Card
    who: str | None
    role: GrantRole
    ends_at: dt.datetime | None
    undo_id: UndoId


class Share:
    """Every step checks the right and redeems its token anew, so that an old button means what it always meant."""

    def __init__(self, *, cards: Cards, book: ShareBook, settle: SettleShare, log: UndoLog) -> None:
        self._cards = cards
        self._book = book
        self._settle = settle
        self._log = log

    async def state(self, person_id: int, token: str) -> SharedState:
        """Who may see the entry. Raises CannotShareError, AccessDeniedError, StaleButtonError, DriveError."""
        opened = await self._cards.open(person_id, token)
        sharing(opened.drive)
        entry = await _alive(opened.drive, opened.entry_id)
        card = await self._cards.card(person_id, opened.drive, entry)
        return SharedState(card, await accesses_to(self._book, person_id, opened.drive, entry))

    async def with_others(self, person_id: int, token: str, address: str | None) -> Others:
        """Name whom to share the entry with: an e-mail address, or None for anyone with the link.

        Raises AddressInvalidError, and what `state` raises.
        """
        opened = await self._cards.open(person_id, token)
        sharing(opened.drive)
        who = address.strip().lower() if address is not None else None
        if who is not None and not _ADDRESS.fullmatch(who):
            raise AddressInvalidError("no address")
        target = Target(opened.drive.name, opened.entry_id, who)
        return await self._others(person_id, target, await self._book.token_for(person_id, target))

    async def others(self, person_id: int, target_token: str) -> Others:
        """What a later step's button is about. Raises as `state` does."""
        self._cards.check(person_id)
        target = await self._book.redeem(person_id, target_token)
        return await self._others(person_id, target, TargetToken(target_token))

    async def _others(self, person_id: int, target: Target, token: TargetToken) -> Others:
        drive = await self._cards.drive_of(person_id, target.drive)
        entry = await _alive(drive, target.entry_id)
        return Others(await self._cards.card(person_id, drive, entry), target.who, token)

    def end_of(self, span: Span) -> dt.datetime | None:
        """When a share that begins now would end."""
        return self._book.now + _LASTS[span] if span in _LASTS else None

    async def request(self, person_id: int, target_token: str, role: GrantRole, span: Span, *, key: str) -> Shared:
        """Do it. Its end is promised before anybody is let in. `key` names the press: a replay shares nothing twice.

        Raises GranteeInvalidError, DriveForbiddenError, CannotShareError, AccessDeniedError, StaleButtonError, DriveError.
        """
        self._cards.check(person_id)
        target = await self._book.redeem(person_id, target_token)
        drive = await self._cards.drive_of(person_id, target.drive)
        entry = await _alive(drive, target.entry_id)
        record = await self._book.find(key)
        if record is None:
            base_role = await self._base_role(drive, target)
            record = await self._book.add(
                ShareRecord(
                    key=key,
                    person_id=person_id,
                    target=target,
                    name=entry.name,
                    role=role,
                    base_role=base_role,
                    ends_at=self.end_of(span),
                    is_closed=False,
                    link=entry.link,
                )
            )
        undo = await self._log.record(key, person_id, drive.name, Deed.SHARE, entry, share_key=key)
        if record.ends_at is not None:
            await self._settle.promise_end(record)
        if not record.is_closed:
            await self._settle.open_up(drive, record)
        card = await self._cards.card(person_id, drive, await drive.stat(entry.id))
        return Shared(card, target.who, record.role, record.ends_at, undo.id)

    async def _base_role(self, drive: Drive, target: Target) -> GrantRole | None:
        """What the others might do before anything was shared with them from here that still stands."""
        standing = await self._book.open_of(target)
        if standing:
            return standing[-1].base_role
        found = await standing_grant(drive, target.entry_id, target.who)
        return found.role if found else None


async def accesses_to(book: ShareBook, person_id: int, drive: Drive, entry: Entry) -> tuple[Access, ...]:
    """Everybody whom the drive lets in besides the owner, with the end that was agreed to here."""
    grants = await sharing(drive).grants(entry.id)
    targets = [Target(drive.name, entry.id, grant.who.lower() if grant.who else None) for grant in grants]
    tokens = await book.tokens_for(person_id, targets)
    accesses = []
    for grant, target in zip(grants, targets, strict=True):
        agreed = await book.open_of(target)
        ends_at = agreed[0].ends_at if agreed and agreed[0].role is grant.role else None
        accesses.append(Access(grant.who, grant.role, ends_at, tokens[target]))
    return tuple(accesses)


async def _alive(drive: Drive, entry_id: EntryId) -> Entry:
    entry = await drive.stat(entry_id)
    if entry.is_trashed:
        raise EntryNotFoundError("in the trash")
    return entry
