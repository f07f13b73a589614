"""What somebody asked of the bot, with the ways to answer it."""

from __future__ import annotations

import dataclasses

from telegram import CallbackQuery, InlineKeyboardMarkup, Message, Update

from telpher.access import Person
from telpher.bot.desk import Desk
from telpher.bot.keyboards import Back, back_in
from telpher.bot.ports import Keyboard
from telpher.bot.texts import Texts
from telpher.bot.views import Screen


@dataclasses.dataclass
class Asked:
    """One message or pressed button of a person who is served."""

    desk: Desk
    update: Update
    person: Person
    texts: Texts
    chat_id: int
    is_toasted: bool = False
    """The press was answered: what else there is to say needs a message."""

    @property
    def message(self) -> Message:
        """The message that was sent. Only in handlers of messages."""
        assert self.update.message is not None
        return self.update.message

    @property
    def pressed(self) -> CallbackQuery:
        """The button that was pressed. Only in handlers of buttons."""
        assert self.update.callback_query is not None
        return self.update.callback_query

    @property
    def pressed_message_id(self) -> int:
        """The message that the button is under. 0 for a button that did not come with one: nothing can be edited then."""
        return self.pressed.message.message_id if self.pressed.message else 0

    @property
    def is_in_group(self) -> bool:
        """Others read along."""
        return self.chat_id != self.private_chat_id

    @property
    def private_chat_id(self) -> int:
        """Where only this person reads along: a private chat has its person's id."""
        return self.person.id

    @property
    def back(self) -> Back | None:
        """The way back that the pressed message offers, to be kept when the rest of it changes."""
        message = self.pressed.message
        return back_in(message.reply_markup) if isinstance(message, Message) else None

    @property
    def key(self) -> str:
        """Names what was asked: the same for a replayed update, so that its effects are not doubled."""
        if self.update.callback_query is not None:
            return f"{self.desk.identity.id}:press:{self.update.callback_query.id}"
        return f"{self.desk.identity.id}:{self.chat_id}:{self.message.message_id}"

    async def answer(self, text: str, keyboard: Keyboard | None = None, reply_to: int | None = None) -> int:
        """Send a message to the chat."""
        return await self.desk.outbox.send_message(self.chat_id, text, keyboard, reply_to)

    async def show(self, screen: Screen, reply_to: int | None = None) -> int:
        """Send a screen as a new message."""
        return await self.answer(screen.text, screen.keyboard, reply_to)

    async def put(self, screen: Screen) -> None:
        """Make the pressed message show `screen`; a message that can no longer be edited is answered by a new one."""
        if not await self.edit(self.pressed_message_id, screen):
            await self.show(screen)

    async def edit(self, message_id: int, screen: Screen) -> bool:
        """Make a message of ours show `screen`; False when that cannot be done any more."""
        if not message_id:
            return False
        markup: InlineKeyboardMarkup | None = screen.keyboard
        return await self.desk.outbox.edit_message(self.chat_id, message_id, screen.text, markup)

    async def toast(self, text: str = "", *, is_alert: bool = False) -> None:
        """Answer the press: once, whoever calls first."""
        if not self.is_toasted:
            self.is_toasted = True
            await self.desk.outbox.answer_callback(self.pressed.id, text, is_alert)
