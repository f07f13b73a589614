"""Somebody opens an invitation's link: Telegram sends us `/start` with its code."""

from __future__ import annotations

import contextlib

from telegram import Chat, Message

from telpher.access import Person, Role
from telpher.access.invitations import Entered
from telpher.bot import people_views, views
from telpher.bot.desk import Desk
from telpher.bot.handlers.asked import Asked
from telpher.bot.texts import Texts
from telpher.errors import TelpherError


def code_in(message: Message | None) -> str:
    """The code that a message brings; empty when it brings none."""
    if message is None or message.chat.type != Chat.PRIVATE:
        return ""
    words = (message.text or "").split()
    return words[1] if len(words) == 2 and words[0].partition("@")[0] == "/start" else ""


async def enter(desk: Desk, message: Message, texts: Texts) -> bool:
    """Let a stranger in by the code of their message; False when it is worth nothing."""
    user = message.from_user
    code = code_in(message)
    if user is None or not code:
        return False
    entered = await desk.people.enter(
        code, person_id=user.id, language_code=user.language_code or "", first_name=user.first_name
    )
    if entered is None:
        return False
    await _tell_owner(desk, entered)
    screen = first_words(texts, entered.person)
    with contextlib.suppress(TelpherError):
        await desk.outbox.send_message(message.chat.id, screen.text, screen.keyboard)
    return True


async def tell_owner_late(asked: Asked) -> None:
    """`/start` of somebody who came in just before we were interrupted: their owner learns of it now."""
    if code := code_in(asked.message):
        entered = await asked.desk.people.entered_by(code, asked.person)
        if entered is not None and entered.is_untold:
            await _tell_owner(asked.desk, entered)


def first_words(texts: Texts, person: Person) -> views.Screen:
    """What somebody reads when they come, and at `/start`."""
    if person.role is Role.GUEST:
        return people_views.start_of_guest(texts, person)
    return views.start(texts, person.first_name)


async def _tell_owner(desk: Desk, entered: Entered) -> None:
    owner_id = entered.invitation.made_by
    screen = people_views.came_in(Texts.for_language(desk.access.language_of(owner_id)), entered.person)
    # An owner who cannot be reached sees them in /people.
    with contextlib.suppress(TelpherError):
        await desk.outbox.send_message(owner_id, screen.text, screen.keyboard)
    await desk.people.owner_was_told(entered)
