"""Keeps everybody's command menu true: each person is offered what they may do, strangers and groups next to nothing.

Telegram shows the narrowest list that was set (https://core.telegram.org/bots/api#determining-list-of-commands), so each chat gets one
list a language. What was set is written down: a start asks Telegram only for what has changed since.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import sqlalchemy as sa

from telpher.access import Access, Role
from telpher.bot.commands import commands_for, commands_in_groups, described
from telpher.bot.ports import Outbox
from telpher.bot.texts import LANGUAGES, Texts
from telpher.errors import ChatUnreachableError, DiskFullError, StoreError, TelpherError
from telpher.store import Store
from telpher.store.schema import command_menus
from telpher.tasks import Nursery

_log = logging.getLogger(__name__)

_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 300.0
_FOR_EVERYBODY: Mapping[str, Any] = {"type": "default"}
_IN_GROUPS: Mapping[str, Any] = {"type": "all_group_chats"}


class Menus:
    """The table `command_menus`. Listens to `access` between `start` and `stop`."""

    def __init__(self, *, access: Access, outbox: Outbox, store: Store, bot_id: int) -> None:
        self._access = access
        self._outbox = outbox
        self._store = store
        self._bot_id = bot_id
        self._nursery = Nursery("menus")
        self._one_at_a_time = asyncio.Lock()
        self._is_stopped = False

    def start(self) -> None:
        """Set what is not set yet, and follow the changes, in the background."""
        self._access.subscribe(self.look_after)
        self._nursery.spawn(self._patiently(self.set_all), name="all")

    async def stop(self) -> None:
        """Change none any more; what changes from now on is set at the next start."""
        self._is_stopped = True
        await self._nursery.close()

    def look_after(self, person_id: int) -> None:
        """See to it that this person's menu is what their role asks for; returns at once."""
        if not self._is_stopped:
            self._nursery.spawn(self._patiently(lambda: self.set_for(person_id)), name=str(person_id))

    async def set_all(self) -> None:
        """Everybody's, and what those see whom nobody let in. Raises TelpherError."""
        for language in LANGUAGES:
            texts = Texts.for_language(language)
            code = _code(language)
            await self._outbox.set_commands(described(commands_for(Role.STRANGER), texts), code, _FOR_EVERYBODY)
            await self._outbox.set_commands(described(commands_in_groups(), texts), code, _IN_GROUPS)
        known = await self._store.read(
            lambda connection: list(connection.scalars(sa.select(command_menus.c.person_id)))
        )
        for person_id in dict.fromkeys([*known, *(person.id for person in self._access.everyone())]):
            await self.set_for(person_id)

    async def set_for(self, person_id: int) -> None:
        """One person's, if it is not what it should be. Raises TelpherError."""
        async with self._one_at_a_time:
            role = self._access.role_of(person_id)
            wanted = None if role is Role.STRANGER else self._fingerprint(role)
            query = sa.select(command_menus.c.fingerprint).where(command_menus.c.person_id == person_id)
            if await self._store.read(lambda connection: connection.scalar(query)) == wanted:
                return
            try:
                await self._tell_telegram(person_id, role)
            except ChatUnreachableError:
                _log.debug("a menu has no reader: the chat is closed to us")
                wanted = None
            await self._store.write(lambda connection: _note(connection, person_id, wanted))

    async def _tell_telegram(self, person_id: int, role: Role) -> None:
        scope = {"type": "chat", "chat_id": person_id}
        for language in LANGUAGES:
            if role is Role.STRANGER:
                await self._outbox.delete_commands(_code(language), scope)
            else:
                lines = described(commands_for(role), Texts.for_language(language))
                await self._outbox.set_commands(lines, _code(language), scope)

    def _fingerprint(self, role: Role) -> str:
        """Changes with whatever would change the menu: an update of ours, or another bot's token."""
        lines = [described(commands_for(role), Texts.for_language(language)) for language in LANGUAGES]
        return hashlib.sha256(json.dumps([self._bot_id, lines]).encode()).hexdigest()[:16]

    async def _patiently(self, change: Callable[[], Awaitable[None]]) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                await change()
            except (TelpherError, StoreError, DiskFullError) as error:
                _log.info("command menus wait: %s; trying again in %.0f s", error, wait_s)
            else:
                return
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def _code(language: str) -> str:
    """English is for everybody whose language we do not speak, too."""
    return "" if language == "en" else language


def _note(connection: sa.Connection, person_id: int, fingerprint: str | None) -> None:
    connection.execute(sa.delete(command_menus).where(command_menus.c.person_id == person_id))
    if fingerprint is not None:
        connection.execute(sa.insert(command_menus).values(person_id=person_id, fingerprint=fingerprint))
