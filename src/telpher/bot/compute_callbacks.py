"""Buttons of the workshop. See `telpher.bot.callbacks`."""

from __future__ import annotations

import dataclasses
import enum

from telpher.actions.set_up_run import SetupToken, Written
from telpher.bot.callbacks import Callback


@dataclasses.dataclass(frozen=True)
class BeginLesson(Callback, tag="cpl"):
    """Begin the conversation that leads from module to module."""


@dataclasses.dataclass(frozen=True)
class ListModules(Callback, tag="cpm"):
    """Show what can be computed."""


@dataclasses.dataclass(frozen=True)
class ChooseModule(Callback, tag="cpc"):
    """Put together a run of this module."""

    module: str


@dataclasses.dataclass(frozen=True)
class ShowSetup(Callback, tag="cps"):
    """Show a run as it is put together so far."""

    token: SetupToken


@dataclasses.dataclass(frozen=True)
class ShowParameter(Callback, tag="cpp"):
    """Show what the parameter at this place can be set to."""

    token: SetupToken
    place: int


@dataclasses.dataclass(frozen=True)
class SetParameter(Callback, tag="cpv"):
    """Set the parameter at this place to this option."""

    token: SetupToken
    place: int
    option: int


@dataclasses.dataclass(frozen=True)
class WriteParameter(Callback, tag="cpw"):
    """Set the parameter at this place to this number, and show it again: a step up or down. To what, not by how much: it counts once."""

    token: SetupToken
    place: int
    written: Written


@dataclasses.dataclass(frozen=True)
class AskParameter(Callback, tag="cpk"):
    """Let the person write what the parameter at this place shall be."""

    token: SetupToken
    place: int


class Tick(enum.StrEnum):
    """Tick, or take the tick off."""

    ON = "y"
    OFF = "n"


@dataclasses.dataclass(frozen=True)
class TickStrategy(Callback, tag="cpt"):
    """Run this way too, or not."""

    tick: Tick
    token: SetupToken
    place: int


@dataclasses.dataclass(frozen=True)
class RunSetup(Callback, tag="cpr"):
    """Run it."""

    token: SetupToken


class Next(enum.StrEnum):
    """What may follow a run."""

    ANOTHER = "a"
    HISTORY = "h"


@dataclasses.dataclass(frozen=True)
class AfterRun(Callback, tag="cpn"):
    """Go on in a new message: the one with the times stays as it is."""

    next: Next


@dataclasses.dataclass(frozen=True)
class ListRuns(Callback, tag="cph"):
    """Show the last runs."""


@dataclasses.dataclass(frozen=True)
class ShowRun(Callback, tag="cpe"):
    """Show an earlier run."""

    computation_id: int


@dataclasses.dataclass(frozen=True)
class ShowPicture(Callback, tag="cpg"):
    """Send an earlier run's picture once more."""

    computation_id: int


@dataclasses.dataclass(frozen=True)
class RunLike(Callback, tag="cpa"):
    """Put together a run that begins as an earlier one was."""

    computation_id: int


@dataclasses.dataclass(frozen=True)
class OfferComparison(Callback, tag="cpo"):
    """Choose what to compare an earlier run with."""

    computation_id: int


@dataclasses.dataclass(frozen=True)
class CompareRuns(Callback, tag="cpb"):
    """Show two runs beside each other."""

    first_id: int
    second_id: int
