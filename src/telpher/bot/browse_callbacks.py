"""Buttons of the browser, of Find and of where files go. See `telpher.bot.callbacks`."""

from __future__ import annotations

import dataclasses
import enum

from telpher.access import EntryToken
from telpher.actions.find import FindKind, FindPeriod
from telpher.actions.shelves import Shelf
from telpher.bot.callbacks import Callback


class SortKey(enum.StrEnum):
    """An order of a folder."""

    NAME = "n"
    NEWEST = "d"
    LARGEST = "s"


@dataclasses.dataclass(frozen=True)
class SortFolder(Callback, tag="so"):
    """Show a folder, and all others from now on, in this order."""

    key: SortKey
    token: EntryToken


@dataclasses.dataclass(frozen=True)
class FolderMenu(Callback, tag="fm"):
    """What can be done with a folder; `page` is the page of it that was shown."""

    token: EntryToken
    page: int


@dataclasses.dataclass(frozen=True)
class ShowShelf(Callback, tag="sf"):
    """A page of what is starred, or recent."""

    shelf: Shelf
    page: int


@dataclasses.dataclass(frozen=True)
class ShowShelfEntry(Callback, tag="se"):
    """From a shelf to an entry's card."""

    token: EntryToken
    shelf: Shelf
    page: int


@dataclasses.dataclass(frozen=True)
class ShowFound(Callback, tag="fd"):
    """A page of a search."""

    search_id: int
    kind: FindKind
    period: FindPeriod
    page: int


@dataclasses.dataclass(frozen=True)
class ShowFoundEntry(Callback, tag="fe"):
    """From a search to an entry's card."""

    token: EntryToken
    search_id: int
    kind: FindKind
    period: FindPeriod
    page: int


class StarDeed(enum.StrEnum):
    """Mark an entry, or take the mark off."""

    ON = "y"
    OFF = "n"


@dataclasses.dataclass(frozen=True)
class SetStar(Callback, tag="st"):
    """Mark an entry, or take the mark off."""

    deed: StarDeed
    token: EntryToken


@dataclasses.dataclass(frozen=True)
class BeginMove(Callback, tag="mv"):
    """Choose another folder for an entry."""

    token: EntryToken


@dataclasses.dataclass(frozen=True)
class ChooseFolder(Callback, tag="cf"):
    """While a folder is chosen: look into this one."""

    errand_id: int
    token: EntryToken
    page: int


@dataclasses.dataclass(frozen=True)
class ChooseFromTop(Callback, tag="ct"):
    """While a folder is chosen: begin where browsing opens."""

    errand_id: int


@dataclasses.dataclass(frozen=True)
class PickFolder(Callback, tag="pf"):
    """This folder is the one."""

    errand_id: int
    token: EntryToken


@dataclasses.dataclass(frozen=True)
class PickHome(Callback, tag="ph"):
    """The folder for new files is the one."""

    errand_id: int


@dataclasses.dataclass(frozen=True)
class NewFolderFor(Callback, tag="nc"):
    """While a folder is chosen: make a new one here."""

    errand_id: int
    token: EntryToken


@dataclasses.dataclass(frozen=True)
class LeaveErrand(Callback, tag="lv"):
    """Choose no folder after all."""

    errand_id: int


@dataclasses.dataclass(frozen=True)
class NewFolder(Callback, tag="nf"):
    """Make a folder in this one."""

    token: EntryToken


@dataclasses.dataclass(frozen=True)
class UploadHere(Callback, tag="up"):
    """The next files go into this folder."""

    token: EntryToken


@dataclasses.dataclass(frozen=True)
class StopUploads(Callback, tag="us"):
    """They no longer do."""

    token: EntryToken


class WhereChoice(enum.StrEnum):
    """Where new files go."""

    HOME = "h"
    ASK = "a"
    FOLDER = "f"
    TEMPLATE = "t"


@dataclasses.dataclass(frozen=True)
class ShowWhere(Callback, tag="wm"):
    """Show where new files go."""


@dataclasses.dataclass(frozen=True)
class ChooseWhere(Callback, tag="ww"):
    """Have new files go elsewhere."""

    choice: WhereChoice


@dataclasses.dataclass(frozen=True)
class TakeTemplate(Callback, tag="wt"):
    """The template that was shown is the one."""
