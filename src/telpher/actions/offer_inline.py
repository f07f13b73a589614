"""Offer inline: a person's own files for whatever chat they type our name in; nothing of anybody else's, and nothing to guests."""

from __future__ import annotations

import dataclasses
from typing import cast

from telpher.access import EntryToken
from telpher.actions.cards import Cards
from telpher.actions.sent_files import RECEIVED, SentFiles
from telpher.drives.port import Capability, Drive, Entry, Searches, TellsRecent

LIMIT = 30
_WORDS_LIMIT = 200
_KINDS = ("document", "photo")


@dataclasses.dataclass(frozen=True)
class Offered:
    """One entry. `file_id` is Telegram's own, of the `kind` document or photo; without one there is only the entry's link."""

    entry: Entry
    token: EntryToken
    file_id: str | None
    kind: str


class OfferInline:
    """What has neither a file_id nor a link is not offered: there would be nothing to send."""

    def __init__(self, cards: Cards, sent: SentFiles) -> None:
        self._cards = cards
        self._sent = sent

    async def request(self, person_id: int, words: str) -> tuple[Offered, ...]:
        """What the words find, or what changed last without any. Raises AccessDeniedError, DriveError."""
        drive = await self._cards.drive_of(person_id)
        entries = await _find(drive, " ".join(words.split())[:_WORDS_LIMIT])
        known = await self._sent.find_all(drive.name, entries, [*_KINDS, *(RECEIVED + kind for kind in _KINDS)])
        cards = await self._cards.cards(person_id, drive.name, entries)
        offered = []
        for card in cards:
            entry = card.entry
            ids = [(kind, known.get((entry.id, kind)) or known.get((entry.id, RECEIVED + kind))) for kind in _KINDS]
            kind, file_id = next(((kind, file_id) for kind, file_id in ids if file_id), ("", None))
            if file_id is not None or entry.link:
                offered.append(Offered(entry, card.token, file_id, kind))
        return tuple(offered)


async def _find(drive: Drive, words: str) -> tuple[Entry, ...]:
    if words:
        if Capability.SEARCH not in drive.capabilities:
            return ()
        return (await cast("Searches", drive).search(words, limit=LIMIT)).entries
    if Capability.RECENT in drive.capabilities:
        return (await cast("TellsRecent", drive).recent(limit=LIMIT)).entries
    return ()
