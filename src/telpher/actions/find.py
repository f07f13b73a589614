"""Find: entries by words, narrowed down by kind and date, page by page."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import time
from collections.abc import Callable
from typing import cast

import sqlalchemy as sa

from telpher.actions.cards import Card, Cards
from telpher.actions.paging import ListingKey, Pager
from telpher.actions.shelves import NotOfferedError
from telpher.drives.port import Capability, EntryKind, Searches, SearchFilter
from telpher.errors import BadInputError, StaleButtonError
from telpher.store import Store
from telpher.store.schema import page_cursors, searches

PAGE_SIZE = 10
_WORDS_LIMIT = 200
_KEPT = 200


class FindKind(enum.StrEnum):
    """What is looked for, as a button says it."""

    ANY = "a"
    FOLDER = "f"
    IMAGE = "i"
    VIDEO = "v"
    AUDIO = "m"
    DOCUMENT = "d"
    ARCHIVE = "z"


class FindPeriod(enum.StrEnum):
    """How long ago it may have changed."""

    ANY = "a"
    WEEK = "w"
    MONTH = "m"
    YEAR = "y"


_DAYS = {FindPeriod.WEEK: 7, FindPeriod.MONTH: 31, FindPeriod.YEAR: 366}


@dataclasses.dataclass(frozen=True)
class FoundPage:
    """One page of what was found."""

    search_id: int
    words: str
    kind: FindKind
    period: FindPeriod
    cards: tuple[Card, ...]
    page: int
    has_more: bool


class Find:
    """A search is kept under a number, so that its buttons work for as long as it is one of the person's last."""

    def __init__(
        self, cards: Cards, pager: Pager, store: Store, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._cards = cards
        self._pager = pager
        self._store = store
        self._now_ms = now_ms

    async def begin(self, person_id: int, words: str) -> FoundPage:
        """Look for `words`. Raises BadInputError (no words), AccessDeniedError, NotOfferedError, DriveError."""
        self._cards.check(person_id)
        plain = " ".join(words.split())[:_WORDS_LIMIT]
        if not plain:
            raise BadInputError("nothing to look for")
        search_id = await self._store.write(lambda connection: self._keep(connection, person_id, plain))
        return await self._find(person_id, (search_id, plain), FindKind.ANY, FindPeriod.ANY, 0)

    async def page(
        self, person_id: int, search_id: int, kind: FindKind, period: FindPeriod, page: int = 0
    ) -> FoundPage:
        """The same words again. Raises StaleButtonError when the search is not theirs or too long ago, and as `begin` does."""
        self._cards.check(person_id)
        where = (searches.c.id == search_id, searches.c.person_id == person_id)
        query = sa.select(searches.c.words).where(*where)
        words = await self._store.read(lambda connection: connection.execute(query).scalar())
        if words is None:
            raise StaleButtonError("no such search of theirs")
        return await self._find(person_id, (search_id, words), kind, period, page)

    async def _find(
        self, person_id: int, search: tuple[int, str], kind: FindKind, period: FindPeriod, page: int
    ) -> FoundPage:
        search_id, words = search
        drive = await self._cards.drive_of(person_id)
        if Capability.SEARCH not in drive.capabilities:
            raise NotOfferedError(f"{drive.name} cannot search")
        narrow = SearchFilter(
            kind=None if kind is FindKind.ANY else EntryKind[kind.name], changed_since=self._since(period)
        )
        # A drive's cursor is good for one and the same question: the day is a part of it.
        name = f"find {search_id} {kind.value} {narrow.changed_since or ''}"
        found, number = await self._pager.page(
            ListingKey(person_id, drive.name, name),
            page,
            lambda at: cast("Searches", drive).search(words, cursor=at, limit=PAGE_SIZE, narrow=narrow),
        )
        cards = await self._cards.cards(person_id, drive.name, found.entries)
        return FoundPage(search_id, words, kind, period, cards, number, found.next_cursor is not None)

    def _since(self, period: FindPeriod) -> dt.datetime | None:
        if period is FindPeriod.ANY:
            return None
        now = dt.datetime.fromtimestamp(self._now_ms() / 1000, dt.UTC)
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=_DAYS[period])

    def _keep(self, connection: sa.Connection, person_id: int, words: str) -> int:
        is_same = (searches.c.person_id == person_id, searches.c.words == words)
        known = connection.execute(sa.select(searches.c.id).where(*is_same)).scalar()
        if known is not None:
            connection.execute(sa.update(searches).where(*is_same).values(created_ms=self._now_ms()))
            return int(known)
        values = {"person_id": person_id, "words": words, "created_ms": self._now_ms()}
        connection.execute(sa.insert(searches).values(values))
        self._forget_old(connection, person_id)
        return int(connection.execute(sa.select(searches.c.id).where(*is_same)).scalar_one())

    @staticmethod
    def _forget_old(connection: sa.Connection, person_id: int) -> None:
        kept = (
            sa.select(searches.c.id)
            .where(searches.c.person_id == person_id)
            .order_by(searches.c.created_ms.desc(), searches.c.id.desc())
            .limit(_KEPT)
        )
        old = sa.select(searches.c.id).where(searches.c.person_id == person_id, searches.c.id.not_in(kept))
        for search_id in connection.execute(old).scalars().all():
            is_theirs = page_cursors.c.person_id == person_id
            connection.execute(
                sa.delete(page_cursors).where(is_theirs, page_cursors.c.listing.startswith(f"find {search_id} "))
            )
            connection.execute(sa.delete(searches).where(searches.c.id == search_id))
