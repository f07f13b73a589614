"""Telegram's face of Telpher: updates come in, are kept, are handled in order; everything that is said goes out through one door."""

import os

# python-telegram-bot's own switch for durations as `timedelta`; without it, reading one warns of the change to come.
# https://docs.python-telegram-bot.org/en/stable/telegram.error.html#telegram.error.RetryAfter
os.environ.setdefault("PTB_TIMEDELTA", "true")
