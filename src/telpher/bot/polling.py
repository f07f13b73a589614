"""Long polling: asks Telegram for updates, stores them, and only then asks for the next ones, which confirms the former."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from telpher.bot.dispatch import Dispatcher
from telpher.bot.intake import Intake
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.errors import BadInputError, DiskFullError, StoreError

_log = logging.getLogger(__name__)

ALLOWED_UPDATES = ("message", "callback_query", "inline_query")
_POLL_S = 50
_ANSWER_MARGIN_S = 15.0
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0


class Poller:
    """`run` polls until it is cancelled; a cancelled poll loses nothing, as Telegram repeats what was not confirmed."""

    def __init__(self, request: AiohttpRequest, address: ApiAddress, intake: Intake, dispatcher: Dispatcher) -> None:
        self._request = request
        self._address = address
        self._intake = intake
        self._dispatcher = dispatcher
        self._trouble = ""
        self._wait_s = _FIRST_WAIT_S
        self.is_connected = False
        """Whether the last question was answered."""

    async def run(self) -> None:
        # No offset at first: Telegram then repeats what was not confirmed, and the inbox knows what it has. A stored offset would be
        # wrong after a quiet week, when Telegram begins ids anew: https://core.telegram.org/bots/api#update
        offset: int | None = None
        is_webhook_gone = False
        while True:
            await self._dispatcher.wait_for_room()
            try:
                if not is_webhook_gone:
                    await self._request.call(self._address.method("deleteWebhook"), {})
                    is_webhook_gone = True
                updates = await self._ask(offset)
                await self._intake.accept_all(updates)
                self._is_well()
            except (TelegramError, BadInputError, StoreError, DiskFullError) as error:
                await self._pause(error)
            except Exception as error:  # noqa: BLE001 - the database or the disk: what was not stored is asked for again
                _log.exception("updates could not be stored, and are asked for again")
                await self._pause(error)
            else:
                if updates:
                    offset = updates[-1]["update_id"] + 1

    async def _ask(self, offset: int | None) -> list[dict[str, Any]]:
        # The first question, and the first after trouble, is answered at once: we know then whether we are connected.
        poll_s = _POLL_S if self.is_connected else 0
        parameters = {"offset": offset, "timeout": poll_s, "limit": 100, "allowed_updates": ALLOWED_UPDATES}
        answer = await self._request.call(
            self._address.method("getUpdates"), parameters, read_timeout_s=poll_s + _ANSWER_MARGIN_S
        )
        if not isinstance(answer, list) or not all(isinstance(update, dict) for update in answer):
            raise NetworkError("the Bot API server answered something else than updates")
        return answer

    def _is_well(self) -> None:
        if self._trouble:
            _log.info("Telegram answers again")
        self._trouble = ""
        self._wait_s = _FIRST_WAIT_S
        self.is_connected = True

    async def _pause(self, error: Exception) -> None:
        self.is_connected = False
        wait_s = self._wait_s * random.uniform(0.75, 1.25)  # noqa: S311 - jitter
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        if isinstance(error, RetryAfter):
            wait_s = max(wait_s, seconds_of(error))
        trouble = describe(error)
        # Once for each kind of trouble, not at each attempt.
        if trouble != self._trouble:
            _log.warning("%s; trying again, at most every %.0f s", trouble, _LONGEST_WAIT_S)
        self._trouble = trouble
        await asyncio.sleep(wait_s)


def describe(error: Exception) -> str:
    """What is wrong with the connection to Telegram, and what to do about it, in one line."""
    if isinstance(error, Conflict):
        return "Another program asks Telegram for this bot's updates (409): stop the other one, or give this one a bot of its own"
    if isinstance(error, InvalidToken):
        return (
            "Telegram does not know this token (any more): take the current one from @BotFather and set TELEGRAM_TOKEN"
        )
    if isinstance(error, RetryAfter):
        return "Telegram asks for a pause (429)"
    if isinstance(error, TelegramError):
        return f"Telegram does not answer as it should: {error}"
    if isinstance(error, StoreError | DiskFullError):
        return f"Updates stay with Telegram: {error}"
    return f"Updates are not being handled ({type(error).__name__})"


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram wants us to wait."""
    waited = error.retry_after
    return float(waited) if isinstance(waited, int) else waited.total_seconds()
