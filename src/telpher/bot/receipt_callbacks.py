"""Buttons of receipts that show more than one file. See `telpher.bot.callbacks`."""

from __future__ import annotations

import dataclasses

from telpher.access import EntryToken
from telpher.bot.callbacks import Callback


@dataclasses.dataclass(frozen=True)
class ShowBurst(Callback, tag="bp"):
    """A page of the files of an aggregate receipt."""

    receipt_id: int
    page: int


@dataclasses.dataclass(frozen=True)
class ShowBurstEntry(Callback, tag="be"):
    """From such a page to the card of one of its files."""

    token: EntryToken
    receipt_id: int
    page: int
