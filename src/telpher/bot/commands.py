"""The bot's commands: what the apps offer behind "/", in every language that we speak, to each role what it may do."""

from __future__ import annotations

import dataclasses

from telpher.access import Right, Role, rights_of
from telpher.bot.texts import Texts


@dataclasses.dataclass(frozen=True)
class Command:
    """A command and the key of the line that says what it does. `right` is what it asks for; None: to be served at all."""

    name: str
    text_key: str
    right: Right | None = None
    aliases: tuple[str, ...] = ()
    """Other names that work too and are not offered."""


COMMANDS = (
    Command("files", "command.files", Right.USE_DRIVE),
    Command("find", "command.find", Right.USE_DRIVE),
    Command("where", "command.where", Right.USE_DRIVE, aliases=("settings",)),
    Command("shares", "command.shares", Right.USE_DRIVE),
    Command("undo", "command.undo", Right.USE_DRIVE),
    Command("accounts", "command.accounts", Right.USE_DRIVE),
    Command("connect", "command.connect", Right.USE_DRIVE),
    Command("jobs", "command.jobs"),
    Command("compute", "command.compute", Right.COMPUTE, aliases=("cython",)),
    Command("me", "command.me"),
    Command("invite", "command.invite", Right.LET_IN),
    Command("people", "command.people", Right.LET_IN),
    Command("stats", "command.stats", Right.OPERATE),
    Command("doctor", "command.doctor", Right.OPERATE),
    Command("hello", "command.hello"),
    Command("whoami", "command.whoami"),
    Command("help", "command.help"),
    Command("start", "command.start"),
)

_TO_STRANGERS = {"start"}
_IN_GROUPS = {"hello", "help"}


def commands_for(role: Role) -> tuple[Command, ...]:
    """What somebody of this role is offered in their chat with us."""
    if role is Role.STRANGER:
        return tuple(command for command in COMMANDS if command.name in _TO_STRANGERS)
    rights = rights_of(role)
    return tuple(command for command in COMMANDS if command.right is None or command.right in rights)


def commands_in_groups() -> tuple[Command, ...]:
    """What is answered before everybody."""
    return tuple(command for command in COMMANDS if command.name in _IN_GROUPS)


def described(commands: tuple[Command, ...], texts: Texts) -> dict[str, str]:
    """Command → description."""
    return {command.name: texts.t(command.text_key) for command in commands}
