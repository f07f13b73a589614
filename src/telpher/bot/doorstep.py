"""What strangers send once they have had their answer: seen from the bare JSON, before anything is stored, parsed or answered."""

from __future__ import annotations

import collections
from collections.abc import Mapping

from telpher.access import Access
from telpher.bot.intake import RawUpdate

_TRIES = 5
_REMEMBERED = 10_000


class Doorstep:
    """`is_noise` for `Intake.ignore`. A stranger who was answered may still try a few invitation codes in that hour."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tries: collections.OrderedDict[int, int] = collections.OrderedDict()

    def is_noise(self, raw: RawUpdate) -> bool:
        """True for what certainly comes to nothing; whatever looks odd is left to the handlers."""
        message = raw.get("message")
        about = message if message is not None else raw.get("callback_query")
        sender = about.get("from") if isinstance(about, Mapping) else None
        person_id = sender.get("id") if isinstance(sender, Mapping) else None
        if not isinstance(person_id, int) or self._access.is_served(person_id):
            return False
        if isinstance(message, Mapping):
            chat = message.get("chat")
            if isinstance(chat, Mapping) and str(chat.get("type")) in {"group", "supergroup", "channel"}:
                return True
        if not self._access.is_answered_stranger(person_id):
            self._tries.pop(person_id, None)
            return False
        text = message.get("text") if isinstance(message, Mapping) else None
        return not (isinstance(text, str) and text.startswith("/start ") and self._may_try(person_id))

    def _may_try(self, person_id: int) -> bool:
        tries = self._tries.get(person_id, 0)
        if tries >= _TRIES:
            return False
        self._tries[person_id] = tries + 1
        self._tries.move_to_end(person_id)
        if len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)
        return True
