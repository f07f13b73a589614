"""The part of the desk that browsing, finding and placing files needs."""

from __future__ import annotations

import dataclasses

from telpher.actions.destination import Destinations
from telpher.actions.errands import Errands
from telpher.actions.find import Find
from telpher.actions.hold_files import HoldFiles
from telpher.actions.make_folder import MakeFolder
from telpher.actions.move import Move
from telpher.actions.shelves import Shelves


@dataclasses.dataclass(frozen=True, kw_only=True)
class Browser:
    """Built by `app.py`."""

    find: Find
    shelves: Shelves
    errands: Errands
    move: Move
    make_folder: MakeFolder
    destinations: Destinations
    hold_files: HoldFiles
