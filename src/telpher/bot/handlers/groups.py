"""In a group: commands, mentions and replies of people who are served, and nothing that is private.

Files sent with the bot mentioned go to the sender's own drive; how they fare is told in the chat with that person alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, MessageEntity

from telpher.bot import views
from telpher.bot.commands import COMMANDS
from telpher.bot.formats import escape
from telpher.bot.handlers import errors, incoming
from telpher.bot.handlers.asked import Asked
from telpher.bot.ports import BotIdentity
from telpher.errors import ChatUnreachableError, DiskFullError, StoreError, TelpherError

_SAYS_HELLO = {"hello"}
_SAYS_HELP = {"start", "help"}
_KNOWN = {name for command in COMMANDS for name in (command.name, *command.aliases)}


def is_for_us(message: Message, identity: BotIdentity) -> bool:
    """A command (of no other bot), a mention or a reply."""
    replied = message.reply_to_message
    is_reply = replied is not None and replied.from_user is not None and replied.from_user.id == identity.id
    return is_reply or _command(message, identity) is not None or bool(mentions(message, identity))


def mentions(message: Message, identity: BotIdentity) -> list[str]:
    """The words of the text or caption that name the bot."""
    kinds: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION]
    found: Mapping[MessageEntity, str] = {
        **message.parse_entities(kinds),
        **message.parse_caption_entities(kinds),
    }
    return [
        words
        for entity, words in found.items()
        if words.casefold() == f"@{identity.username}".casefold()
        or (entity.user is not None and entity.user.id == identity.id)
    ]


async def answer(asked: Asked) -> None:
    """Say what may be said before everybody; carry a file."""
    message, identity = asked.message, asked.desk.identity
    if incoming.has_file(message):
        await _carry(asked, message)
        return
    replied = message.reply_to_message
    is_own_file = (
        replied is not None
        and incoming.has_file(replied)
        and replied.from_user is not None
        and replied.from_user.id == asked.person.id
    )
    if replied is not None and is_own_file and mentions(message, identity):
        await _carry(asked, replied)
        return
    command = _command(message, identity)
    if command in _SAYS_HELLO:
        await asked.show(views.greeting(asked.texts, asked.person.first_name), reply_to=message.message_id)
    elif command is None or command in _SAYS_HELP:
        await _say(asked, "group.help")
    elif command in _KNOWN:
        await _say(asked, "group.private")
    # A command that nobody here knows may be meant for another bot.


async def _carry(asked: Asked, message: Message) -> None:
    private = dataclasses.replace(asked, chat_id=asked.private_chat_id)
    caption = message.caption
    for words in mentions(message, asked.desk.identity):
        caption = (caption or "").replace(words, " ", 1)
    try:
        is_on_its_way = await incoming.carry(private, message, caption)
    except ChatUnreachableError:
        # It was accepted; only the receipt has nowhere to stand.
        is_on_its_way = True
    except (StoreError, DiskFullError):
        raise  # the update waits until the database works again
    except TelpherError as error:
        await errors.tell(private, error)
        is_on_its_way = False
    await _say(asked, "group.saved" if is_on_its_way else "group.private")


async def _say(asked: Asked, key: str) -> None:
    link = InlineKeyboardButton(
        asked.texts.t("button.private_chat"), url=f"https://t.me/{asked.desk.identity.username}"
    )
    text = asked.texts.t(key, name=escape(asked.person.first_name))
    await asked.answer(text, InlineKeyboardMarkup([[link]]), reply_to=asked.message.message_id)


def _command(message: Message, identity: BotIdentity) -> str | None:
    """The command that the message begins with; None for none, and for another bot's."""
    text = message.text or ""
    if not text.startswith("/") or len(text) < 2:
        return None
    name, _, bot = text[1:].split(maxsplit=1)[0].partition("@")
    return name.lower() if not bot or bot.casefold() == identity.username.casefold() else None
