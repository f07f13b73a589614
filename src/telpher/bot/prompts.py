"""The one question that waits for a person's next message in a chat; kept in the database, so that a restart does not confuse it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import sqlalchemy as sa

from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import prompts

_NEXT_MESSAGE_COUNTS_FOR_MS = 10 * 60 * 1000
_KEPT_FOR_MS = 7 * 24 * 3600 * 1000


@dataclasses.dataclass(frozen=True)
class Prompt:
    """A question that was asked: which message it is, what about, and which card it will change."""

    message_id: int
    token: str
    card_message_id: int
    back: str
    """The card's way back, as button data; empty when it has none."""
    kind: str = "rename"
    """What is asked for: `rename` a name, `share` an e-mail address."""


class Prompts:
    """The table `prompts`: a new question takes the place of the one before."""

    def __init__(self, store: Store, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._store = store
        self._now_ms = now_ms

    async def ask(self, chat_id: int, person_id: int, prompt: Prompt) -> None:
        """Wait for the answer to `prompt`."""

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(prompts).where(*_is_here(chat_id, person_id)))
            connection.execute(
                sa.insert(prompts).values(
                    chat_id=chat_id,
                    person_id=person_id,
                    created_ms=self._now_ms(),
                    **dataclasses.asdict(prompt),
                )
            )

        await self._store.write(put)

    async def answered_by(self, chat_id: int, person_id: int, reply_to: int | None) -> Prompt | None:
        """The question that a message answers: as a reply for a week, as simply the next message for ten minutes."""
        query = sa.select(prompts).where(*_is_here(chat_id, person_id))
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        age_ms = self._now_ms() - row.created_ms
        if (reply_to is None and age_ms < _NEXT_MESSAGE_COUNTS_FOR_MS) or (
            reply_to == row.message_id and age_ms < _KEPT_FOR_MS
        ):
            return Prompt(row.message_id, row.token, row.card_message_id, row.back, row.kind)
        return None

    async def forget(self, chat_id: int, person_id: int) -> bool:
        """Wait no longer; whether there was anything to wait for."""
        change = sa.delete(prompts).where(*_is_here(chat_id, person_id))
        return await self._store.write(lambda connection: connection.execute(change).rowcount > 0)

    async def prune(self) -> int:
        """Remove questions that no answer counts for any more; how many."""
        return await prune(self._store, prompts, prompts.c.created_ms < self._now_ms() - _KEPT_FOR_MS)

    async def forget_all_of(self, person_id: int) -> None:
        """Ask this person nothing any more."""
        gone = sa.delete(prompts).where(prompts.c.person_id == person_id)
        await self._store.write(lambda connection: connection.execute(gone))


def _is_here(chat_id: int, person_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return prompts.c.chat_id == chat_id, prompts.c.person_id == person_id
