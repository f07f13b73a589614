"""The bot's commands: what the apps offer behind "/", in every language that we speak."""

from __future__ import annotations

import dataclasses

from telpher.bot.ports import Outbox
from telpher.bot.texts import LANGUAGES, Texts


@dataclasses.dataclass(frozen=True)
class Command:
    """A command and the key of the line that says what it does."""

    name: str
    text_key: str
    aliases: tuple[str, ...] = ()
    """Other names that work too and are not offered."""


COMMANDS = (
    Command("files", "command.files"),
    Command("find", "command.find"),
    Command("where", "command.where", aliases=("settings",)),
    Command("shares", "command.shares"),
    Command("accounts", "command.accounts"),
    Command("connect", "command.connect"),
    Command("jobs", "command.jobs"),
    Command("compute", "command.compute", aliases=("cython",)),
    Command("me", "command.me"),
    Command("invite", "command.invite"),
    Command("people", "command.people"),
    Command("stats", "command.stats"),
    Command("doctor", "command.doctor"),
    Command("hello", "command.hello"),
    Command("whoami", "command.whoami"),
    Command("help", "command.help"),
    Command("start", "command.start"),
)


async def register_commands(outbox: Outbox) -> None:
    """Tell Telegram: English for everyone, and each other language for those who read it. Repeating it changes nothing."""
    for language in LANGUAGES:
        texts = Texts.for_language(language)
        described = {command.name: texts.t(command.text_key) for command in COMMANDS}
        await outbox.set_commands(described, "" if language == "en" else language)
