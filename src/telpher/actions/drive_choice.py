"""Which drive a person's files are in: what actions ask, and the simplest answer."""

from __future__ import annotations

from typing import Protocol

from telpher.drives.port import Drive


def account_of(drive_name: str) -> str:
    """What is paused and resumed together with a drive: its account. A shared drive's name begins with it, up to a colon."""
    return drive_name.partition(":")[0]


class Drives(Protocol):
    """Finds a person's drives."""

    async def of(self, person_id: int, name: str | None = None) -> Drive:
        """Their drive of that `name`, or the one they use now. Raises LoginRequiredError when they have none."""


class OneDrive:
    """Everyone who is let in uses the one drive of the settings."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    async def of(self, person_id: int, name: str | None = None) -> Drive:  # noqa: ARG002 - the same for everyone
        """The drive."""
        return self._drive
