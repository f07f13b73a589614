"""Telpher: a cloud drive in a Telegram chat, with a workshop beside it."""

__version__ = "0.1.0"
