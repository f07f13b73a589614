"""Buttons of a selection: ticks in a folder's view. See `telpher.bot.callbacks`."""

from __future__ import annotations

import dataclasses

from telpher.access import EntryToken
from telpher.actions.select import SelectionToken
from telpher.bot.callbacks import Callback


@dataclasses.dataclass(frozen=True)
class BeginSelection(Callback, tag="sb"):
    """Show a folder's page with boxes to tick."""

    token: EntryToken
    page: int


@dataclasses.dataclass(frozen=True)
class TickOn(Callback, tag="t1"):
    """Tick an entry; `page` is the one that is shown."""

    selection: SelectionToken
    token: EntryToken
    page: int


@dataclasses.dataclass(frozen=True)
class TickOff(Callback, tag="t0"):
    """Take the tick off."""

    selection: SelectionToken
    token: EntryToken
    page: int


@dataclasses.dataclass(frozen=True)
class ShowSelection(Callback, tag="tp"):
    """Another page of the folder; the ticks stay."""

    selection: SelectionToken
    page: int


@dataclasses.dataclass(frozen=True)
class ZipTicked(Callback, tag="tz"):
    """Send what is ticked as one zip file."""

    selection: SelectionToken
