"""Buttons of receipts: the files of many, and what to do about the same content twice. See `telpher.bot.callbacks`."""

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


@dataclasses.dataclass(frozen=True)
class KeepBoth(Callback, tag="kb"):
    """The same content may stay there twice."""

    token: EntryToken


@dataclasses.dataclass(frozen=True)
class KeepOldOnly(Callback, tag="ko"):
    """Move the new one of two to the trash."""

    token: EntryToken
    old_token: EntryToken
