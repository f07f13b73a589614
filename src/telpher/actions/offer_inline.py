"""Offer inline: a person's own files for whatever chat they type our name in; nothing of anybody else's, and nothing to guests.

Page by page, as the person scrolls: where the drive goes on is kept here for a while, and named by a token that means something to this
person and these words alone. Typing costs no write; after a restart a list that is open goes no further, and the next key begins anew.
"""

from __future__ import annotations

import collections
import dataclasses
import secrets
from typing import cast

from telpher.access import EntryToken
from telpher.actions.cards import Cards
from telpher.actions.sent_files import RECEIVED, SentFiles
from telpher.drives.port import Capability, Cursor, Drive, Entry, Page, Searches, TellsRecent
from telpher.errors import StaleButtonError

LIMIT = 30
_WORDS_LIMIT = 200
_KINDS = ("document", "photo")
_PAGES_LOOKED_AT = 5
_OPEN_LISTS = 32
"""Of one person: each typed key opens one that has more."""
_TOKEN_BYTES = 12


@dataclasses.dataclass(frozen=True)
class Offered:
    """One entry. `file_id` is Telegram's own, of the `kind` document or photo; without one there is only the entry's link."""

    entry: Entry
    token: EntryToken
    file_id: str | None
    kind: str


@dataclasses.dataclass(frozen=True)
class OfferedPage:
    """What is offered, and the offset of what comes after it: empty at the end."""

    offered: tuple[Offered, ...]
    next_offset: str


@dataclasses.dataclass(frozen=True)
class _GoesOn:
    drive: str
    words: str
    cursor: Cursor


class OfferInline:
    """What has neither a file_id nor a link is not offered: there would be nothing to send."""

    def __init__(self, cards: Cards, sent: SentFiles) -> None:
        self._cards = cards
        self._sent = sent
        self._open: dict[int, collections.OrderedDict[str, _GoesOn]] = {}

    async def request(self, person_id: int, words: str, offset: str = "") -> OfferedPage:
        """What the words find, or what changed last without any; from `offset` on, which an earlier page gave.

        Raises StaleButtonError for an offset that is not this person's for these words, AccessDeniedError, DriveError.
        """
        plain = " ".join(words.split())[:_WORDS_LIMIT]
        cursor: Cursor | None = None
        offered: tuple[Offered, ...] = ()
        if not offset:
            drive = await self._cards.drive_of(person_id)
        else:
            lists = self._open.get(person_id)
            goes_on = lists.get(offset) if lists is not None else None
            if goes_on is None or goes_on.words != plain:
                raise StaleButtonError("no such offset of theirs")
            drive, cursor = await self._cards.drive_of(person_id, goes_on.drive), goes_on.cursor
        # An empty page would look like the end: files that cannot be sent are passed over, within bounds.
        for _ in range(_PAGES_LOOKED_AT):
            found = await _find(drive, plain, cursor)
            offered = await self._sendable(person_id, drive, found)
            cursor = found.next_cursor
            if offered or cursor is None:
                break
        if cursor is None:
            return OfferedPage(offered, "")
        return OfferedPage(offered, self._keep(person_id, _GoesOn(drive.name, plain, cursor)))

    def _keep(self, person_id: int, goes_on: _GoesOn) -> str:
        lists = self._open.setdefault(person_id, collections.OrderedDict())
        offset = secrets.token_urlsafe(_TOKEN_BYTES)
        lists[offset] = goes_on
        if len(lists) > _OPEN_LISTS:
            lists.popitem(last=False)
        return offset

    async def _sendable(self, person_id: int, drive: Drive, found: Page) -> tuple[Offered, ...]:
        kinds = [*_KINDS, *(RECEIVED + kind for kind in _KINDS)]
        known = await self._sent.find_all(drive.name, found.entries, kinds)
        offered = []
        for card in await self._cards.cards(person_id, drive.name, found.entries):
            entry = card.entry
            ids = [(kind, known.get((entry.id, kind)) or known.get((entry.id, RECEIVED + kind))) for kind in _KINDS]
            kind, file_id = next(((kind, file_id) for kind, file_id in ids if file_id), ("", None))
            if file_id is not None or entry.link:
                offered.append(Offered(entry, card.token, file_id, kind))
        return tuple(offered)


async def _find(drive: Drive, words: str, cursor: Cursor | None) -> Page:
    if words:
        if Capability.SEARCH in drive.capabilities:
            return await cast("Searches", drive).search(words, cursor=cursor, limit=LIMIT)
    elif Capability.RECENT in drive.capabilities:
        return await cast("TellsRecent", drive).recent(cursor=cursor, limit=LIMIT)
    return Page((), None)
