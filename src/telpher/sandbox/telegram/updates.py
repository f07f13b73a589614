"""The queue of updates a bot has not acknowledged yet: filled by what people do, emptied by getUpdates offsets or by the webhook.

Rules: https://core.telegram.org/bots/api#getupdates. An update stays, and is delivered again, until a call names a higher offset.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from telpher.sandbox.telegram.errors import ApiError
from telpher.sandbox.telegram.ledger import Json, Ledger

# Kinds that a bot gets only when it names them in allowed_updates.
_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_FIRST_UPDATE_ID = 700_000_001
_LONGEST_POLL_S = 50


class UpdateQueue:
    """Holds updates in order, wakes whoever waits for them, and lets one poller win."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._poller: asyncio.Future[ApiError | None] | None = None
        self._is_closed = False
        self.on_added: Callable[[], None] = lambda: None

    @property
    def pending_count(self) -> int:
        """How many updates wait for the bot."""
        return self._ledger.update_count()

    @property
    def allowed(self) -> list[str]:
        """The kinds that the bot named last; empty means the default."""
        found: list[str] = self._ledger.fact("bot", "allowed_updates") or []
        return found

    def allow(self, kinds: list[str] | None) -> None:
        """Remember which kinds the bot wants from now on; None leaves it as it was."""
        if kinds is not None:
            self._ledger.set_fact("bot", "allowed_updates", kinds)

    def add(self, kind: str, body: Json) -> int | None:
        """Queue an update; answers its id, or None when the bot does not want this kind."""
        allowed = self.allowed
        if kind not in allowed if allowed else kind in _ON_REQUEST:
            return None
        return self.add_raw({kind: body})

    def add_raw(self, update: Json) -> int:
        """Queue any update at all; without an `update_id` it gets the next one."""
        if "update_id" not in update:
            update = {"update_id": self._ledger.next_id("update", _FIRST_UPDATE_ID), **update}
        self._ledger.put_update(update, _chat_of(update))
        self._settle(None)
        self.on_added()
        return int(update["update_id"])

    def confirm(self, update_id: int) -> None:
        """The webhook has taken this update."""
        self._ledger.drop_update(update_id)

    def deliverable(self, limit: int, busy_chats: Iterable[int]) -> list[tuple[int, Json]]:
        """The oldest update of each chat that is not busy, for delivery side by side: (chat id, update)."""
        return self._ledger.first_updates(limit, busy_chats)

    def drop_all(self) -> None:
        """Forget everything that waits (drop_pending_updates)."""
        self._ledger.drop_updates_but_last(0)

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """Serve one getUpdates call; a later call ends this one with 409, as on the real server."""
        self.terminate_poll("terminated by other getUpdates request; make sure that only one bot instance is running")
        if offset > 0:
            self._ledger.drop_updates_below(offset)
        elif offset < 0:
            self._ledger.drop_updates_but_last(-offset)
        count = limit if 1 <= limit <= 100 else 100
        deadline = time.monotonic() + min(timeout_s, _LONGEST_POLL_S)
        while True:
            found = self._ledger.updates(count)
            left_s = deadline - time.monotonic()
            if found or left_s <= 0 or self._is_closed:
                return found
            await self._wait(left_s)

    def terminate_poll(self, reason: str) -> None:
        """End the waiting getUpdates call, if there is one, with 409 Conflict."""
        self._settle(ApiError(409, f"Conflict: {reason}"))

    def close(self) -> None:
        """Let the waiting call answer at once."""
        self._is_closed = True
        self._settle(None)

    async def _wait(self, timeout_s: float) -> None:
        poller: asyncio.Future[ApiError | None] = asyncio.get_running_loop().create_future()
        self._poller = poller
        try:
            await asyncio.wait([poller], timeout=timeout_s)
            if poller.done() and (refusal := poller.result()) is not None:
                raise refusal
        finally:
            if self._poller is poller:
                self._poller = None

    def _settle(self, outcome: ApiError | None) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(outcome)


def negotiated(kinds: Any) -> list[str] | None:
    """`allowed_updates` as given, without kinds that no Bot API has."""
    return None if kinds is None else [kind for kind in kinds if isinstance(kind, str)]


def _chat_of(update: Json) -> int:
    """The chat (or person) whose order an update keeps; 0 for none."""
    for body in update.values():
        if isinstance(body, dict):
            message = body.get("message")
            inner = message.get("chat") if isinstance(message, dict) else None
            place = body.get("chat") or inner or body.get("from")
            if isinstance(place, dict) and isinstance(place.get("id"), int):
                return int(place["id"])
    return 0
