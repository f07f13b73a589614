"""From a button's token to an entry and back: what every action on an entry begins and ends with."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any, cast

from telpher.access import Access, EntryRefs, EntryToken, Right
from telpher.actions.drive_choice import Drives
from telpher.drives.port import Capability, Drive, Entry, EntryId, Exports
from telpher.errors import DriveError
from telpher.jobs.port import Payload


@dataclasses.dataclass(frozen=True)
class Card:
    """An entry as one person sees it: with the token that their buttons name it by."""

    entry: Entry
    token: EntryToken
    drive: str
    parent: EntryToken | None
    """The folder it is in; None for the root and for what nothing is known of."""
    formats: tuple[str, ...] = ()
    """What the drive converts it to, by suffix (`pdf`, `docx`); empty for what has bytes of its own."""
    is_shareable: bool = False
    """The drive can let others in to it."""
    can_be_starred: bool = False
    """The drive can mark it."""


@dataclasses.dataclass(frozen=True)
class OpenedEntry:
    """An entry that this person may use, and the drive it is in."""

    drive: Drive
    entry_id: EntryId


class Cards:
    """Checks the right, redeems tokens, makes cards."""

    def __init__(self, access: Access, refs: EntryRefs, drives: Drives) -> None:
        self._access = access
        self._refs = refs
        self._drives = drives

    def may_use(self, person_id: int) -> bool:
        """Whether this person may use the drive, and so has cards with buttons."""
        return self._access.may(person_id, Right.USE_DRIVE)

    def check(self, person_id: int) -> None:
        """Raise AccessDeniedError unless this person may use the drive."""
        self._access.require(person_id, Right.USE_DRIVE)

    async def drive_of(self, person_id: int, name: str | None = None) -> Drive:
        """The person's drive of that name, or the one they use now. Raises AccessDeniedError."""
        self.check(person_id)
        return await self._drives.of(person_id, name)

    async def open(self, person_id: int, token: str) -> OpenedEntry:
        """The entry that `token` means to this person. Raises AccessDeniedError, StaleButtonError."""
        self.check(person_id)
        ref = await self._refs.redeem(person_id, token)
        return OpenedEntry(await self._drives.of(person_id, ref.drive), ref.entry_id)

    async def card(self, person_id: int, drive: Drive, entry: Entry) -> Card:
        """One card."""
        return (await self.cards(person_id, drive.name, [entry]))[0]

    async def cards(self, person_id: int, drive: str, entries: Iterable[Entry]) -> tuple[Card, ...]:
        """Several cards with one look into the database; `drive` is its name."""
        listed = tuple(entries)
        ids = [entry.id for entry in listed] + [entry.parent_id for entry in listed if entry.parent_id is not None]
        tokens = await self._refs.tokens_for(person_id, drive, ids)
        its_drive = await self._drive_or_none(person_id, drive)
        return tuple(
            Card(
                entry,
                tokens[entry.id],
                drive,
                tokens[entry.parent_id] if entry.parent_id is not None else None,
                formats=_formats(its_drive, entry),
                is_shareable=its_drive is not None and Capability.SHARE in its_drive.capabilities,
                can_be_starred=its_drive is not None and Capability.STARS in its_drive.capabilities,
            )
            for entry in listed
        )

    async def _drive_or_none(self, person_id: int, name: str) -> Drive | None:
        try:
            return await self._drives.of(person_id, name)
        except DriveError:
            # A card can be shown of what the drive cannot be asked about now.
            return None


def _formats(drive: Drive | None, entry: Entry) -> tuple[str, ...]:
    if drive is None or Capability.EXPORT not in drive.capabilities:
        return ()
    return tuple(one.suffix for one in cast("Exports", drive).formats_of(entry))


def has_trash(drive: Drive) -> bool:
    """Whether a deletion there can be taken back."""
    return Capability.TRASH in drive.capabilities


def entry_to_payload(drive: str, entry: Entry) -> dict[str, Any]:
    """What a finished job keeps of an entry, as JSON."""
    return {
        "drive": drive,
        "id": entry.id,
        "name": entry.name,
        "parent_id": entry.parent_id,
        "size_bytes": entry.size_bytes,
        "mime_type": entry.mime_type,
        "modified_at": entry.modified_at.isoformat(),
        "link": entry.link,
        "is_verified": entry.checksum is not None,
    }


def entry_from_payload(payload: Payload) -> Entry:
    """The entry as it was when the job finished."""
    parent_id = payload["parent_id"]
    return Entry(
        id=EntryId(payload["id"]),
        name=payload["name"],
        parent_id=EntryId(parent_id) if parent_id is not None else None,
        is_folder=False,
        size_bytes=payload["size_bytes"],
        mime_type=payload["mime_type"],
        modified_at=dt.datetime.fromisoformat(payload["modified_at"]),
        link=payload["link"],
    )
