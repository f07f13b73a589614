"""What the owners' commands are handed: figures, findings, recordings, and the way to tell all owners something."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from telpher.access import Access
from telpher.actions.alerts import Alert
from telpher.actions.resume_accounts import ResumeAccounts
from telpher.actions.tell_figures import TellFigures
from telpher.bot import operation_views
from telpher.bot.outbox import TelegramOutbox
from telpher.bot.texts import Texts
from telpher.errors import TelpherError
from telpher.profiling import OneRun

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Finding:
    """`is_well` is None where nothing is wrong, but something is worth knowing. What to say of it is a text with its parameters."""

    is_well: bool | None
    text_key: str
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Operation:
    """Built by `app.py`."""

    tell_figures: TellFigures
    resume_accounts: ResumeAccounts
    examine: Callable[[], AsyncIterator[tuple[str, Finding]]]
    """Each part's name and finding, as soon as it is known."""
    one_run: OneRun
    outbox: TelegramOutbox


class OwnersChats:
    """Says something to every owner, in their language."""

    def __init__(self, owner_ids: Iterable[int], access: Access, outbox: TelegramOutbox) -> None:
        self._owner_ids = tuple(owner_ids)
        self._access = access
        self._outbox = outbox

    async def tell(self, alert: Alert) -> bool:
        """Whether it reached anybody."""
        has_reached = False
        for owner_id in self._owner_ids:
            texts = Texts.for_language(self._access.language_of(owner_id))
            try:
                await self._outbox.send_message(owner_id, operation_views.alert(texts, alert))
                has_reached = True
            except TelpherError as error:
                _log.info("an owner could not be told: %s", type(error).__name__)
        return has_reached
