"""Telegram's updates to actions and back: one file per topic; `register` puts them into an application."""

from telpher.bot.handlers.errors import tell_failure
from telpher.bot.handlers.register import register

__all__ = ["register", "tell_failure"]
