"""The inbox: an update is committed here before Telegram is told that we have it, and handed on exactly once while we live.

After a crash `unfinished` gives what had not been handled. Handlers are idempotent, so an update may be handled twice, but it is
never lost. Python-telegram-bot's objects do not come here: an update is the JSON that Telegram sent.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.errors import BadInputError
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import inbox

RawUpdate = Mapping[str, Any]

# Telegram keeps an update for a day at most (https://core.telegram.org/bots/api#getting-updates), so it cannot repeat an older one.
_REMEMBERED_MS = 3 * 24 * 3600 * 1000
_REPLAYS_OF_A_SUSPECT = 3


@dataclasses.dataclass(frozen=True)
class Received:
    """An update that is safely stored."""

    update_id: int
    chat_key: int
    """Updates with the same key are handled in order: the chat's id, else the person's."""
    raw: RawUpdate
    is_suspect: bool = False
    """It was unfinished at several starts: it may be what ends the process, so it is handled while nothing else is."""


class Intake:
    """Accepts updates for one bot. `accept` may be called concurrently, by the poller and by the webhook."""

    def __init__(self, store: Store, bot_id: int) -> None:
        self._store = store
        self._bot_id = bot_id
        self._listener: Callable[[Received], None] | None = None
        self._is_noise: Callable[[RawUpdate], bool] = lambda _raw: False

    def subscribe(self, listener: Callable[[Received], None]) -> None:
        """`listener` is called on the loop with each new update, after its commit, in the order of arrival."""
        self._listener = listener

    def ignore(self, is_noise: Callable[[RawUpdate], bool]) -> None:
        """What `is_noise` says yes to is confirmed to Telegram and not stored: nobody would answer it."""
        self._is_noise = is_noise

    async def prune(self) -> int:
        """Forget the updates that Telegram cannot repeat any more; how many."""
        is_old = sa.and_(inbox.c.state != "new", inbox.c.received_ms < _now_ms() - _REMEMBERED_MS)
        return await prune(self._store, inbox, is_old)

    async def accept(self, raw: RawUpdate) -> bool:
        """Store the update; False when it was stored before. Durable when it returns. Raises BadInputError for what is no update."""
        return bool(await self.accept_all([raw]))

    async def accept_all(self, raws: Sequence[RawUpdate]) -> int:
        """Store several in one transaction, in their order; how many of them were new."""
        readable = [_readable(raw) for raw in raws if not self._is_noise(raw)]
        received = [_received(raw) for raw, _ in readable]
        bodies = {update.update_id: body for update, (_, body) in zip(received, readable, strict=True)}
        if not received:
            return 0
        now_ms = _now_ms()

        def write(connection: Connection) -> set[int]:
            ids = [update.update_id for update in received]
            known = set(
                connection.scalars(
                    sa.select(inbox.c.update_id).where(inbox.c.bot_id == self._bot_id, inbox.c.update_id.in_(ids))
                )
            )
            rows = {
                update.update_id: {
                    "bot_id": self._bot_id,
                    "update_id": update.update_id,
                    "body": bodies[update.update_id],
                    "state": "new",
                    "replays": 0,
                    "lone_starts": 0,
                    "received_ms": now_ms,
                }
                for update in received
                if update.update_id not in known
            }
            if rows:
                connection.execute(sa.insert(inbox), list(rows.values()))
            return set(rows)

        new_ids = await self._store.write(write)
        count = len(new_ids)
        for update in received:
            if update.update_id in new_ids:
                # One batch may hold an id twice.
                new_ids.discard(update.update_id)
                if self._listener is not None:
                    self._listener(update)
        return count

    async def unfinished(self) -> list[Received]:
        """What an earlier process accepted and did not finish, in order. Each call counts as one replay of these."""
        mine = (inbox.c.bot_id == self._bot_id) & (inbox.c.state == "new")

        def take(connection: Connection) -> list[tuple[str, int]]:
            rows = connection.execute(
                sa.select(inbox.c.body, inbox.c.replays).where(mine).order_by(inbox.c.received_ms, inbox.c.update_id)
            ).all()
            if rows:
                connection.execute(sa.update(inbox).where(mine).values(replays=inbox.c.replays + 1))
            return [(row.body, row.replays) for row in rows]

        return [
            dataclasses.replace(_received(json.loads(body)), is_suspect=replays >= _REPLAYS_OF_A_SUSPECT)
            for body, replays in await self._store.write(take)
        ]

    async def begin_alone(self, update_id: int) -> int:
        """Note that a suspect is being handled; how often that was begun before, without ever being finished."""
        this = (inbox.c.bot_id == self._bot_id) & (inbox.c.update_id == update_id)

        def write(connection: Connection) -> int:
            before = connection.scalar(sa.select(inbox.c.lone_starts).where(this))
            connection.execute(sa.update(inbox).where(this).values(lone_starts=inbox.c.lone_starts + 1))
            return before or 0

        return await self._store.write(write)

    async def finish(self, update_id: int, *, is_given_up: bool = False) -> None:
        """It was handled, or will not be tried again: forget what it said, remember that it came."""
        statement = (
            sa.update(inbox)
            .where(inbox.c.bot_id == self._bot_id, inbox.c.update_id == update_id)
            .values(state="given_up" if is_given_up else "done", body="")
        )
        await self._store.write(lambda connection: connection.execute(statement))


def _readable(raw: RawUpdate) -> tuple[RawUpdate, str]:
    """The update and its JSON. Half a surrogate pair, which JSON can say and nothing can store or send, becomes a question mark."""
    body = json.dumps(raw, ensure_ascii=False)
    try:
        body.encode()
    except UnicodeEncodeError:
        body = body.encode("utf-8", "replace").decode()
        return json.loads(body), body
    return raw, body


def _received(raw: RawUpdate) -> Received:
    update_id = raw.get("update_id")
    if not isinstance(update_id, int) or isinstance(update_id, bool) or not 0 <= update_id < 1 << 63:
        raise BadInputError("an update without an update_id")
    return Received(update_id, _chat_key(raw), raw)


def _chat_key(raw: RawUpdate) -> int:
    """The chat's id wherever this kind of update has it, else the person's, else 0."""
    for content in raw.values():
        if isinstance(content, Mapping):
            message = content.get("message")
            for holder, name in ((content, "chat"), (message, "chat"), (content, "from"), (content, "user")):
                owner = holder.get(name) if isinstance(holder, Mapping) else None
                found = owner.get("id") if isinstance(owner, Mapping) else None
                if isinstance(found, int):
                    return found
    return 0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
