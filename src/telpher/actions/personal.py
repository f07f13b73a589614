"""How a person has it: the order of their folders, and where their new files go. Who never changed anything has no row."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

import sqlalchemy as sa

from telpher.drives.port import EntryId, Order
from telpher.store import Store
from telpher.store.schema import (
    computations,
    compute_setups,
    drive_choices,
    errands,
    logins,
    page_cursors,
    person_settings,
    searches,
    selections,
    share_targets,
    undo_records,
    upload_targets,
)

_THEIRS = (
    person_settings,
    searches,
    page_cursors,
    errands,
    upload_targets,
    computations,
    compute_setups,
    undo_records,
    selections,
    share_targets,
    drive_choices,
    logins,
)


class FilesGo(enum.StrEnum):
    """Where a person's new files go."""

    HOME = "home"
    """The drive's own folder for new files."""
    ASK = "ask"
    FOLDER = "folder"
    TEMPLATE = "template"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonSettings:
    """What a person chose."""

    sorted_by: Order = Order.NAME
    files_go: FilesGo = FilesGo.HOME
    drive: str | None = None
    folder_id: EntryId | None = None
    """The chosen folder, in `drive`."""
    template: str = ""
    draft: str = ""
    """A template that was shown and not taken yet."""


class Personal:
    """The table `person_settings`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, person_id: int) -> PersonSettings:
        """What this person chose, or how it is for everyone."""
        query = sa.select(person_settings).where(person_settings.c.person_id == person_id)
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return PersonSettings()
        return PersonSettings(
            sorted_by=Order(row.sorted_by),
            files_go=FilesGo(row.files_go),
            drive=row.drive,
            folder_id=EntryId(row.folder_id) if row.folder_id is not None else None,
            template=row.template,
            draft=row.draft,
        )

    async def change(self, person_id: int, **changes: Any) -> PersonSettings:
        """Change some fields, all at once."""
        values = {name: value.value if isinstance(value, enum.Enum) else value for name, value in changes.items()}

        def put(connection: sa.Connection) -> None:
            is_theirs = person_settings.c.person_id == person_id
            if connection.execute(sa.update(person_settings).where(is_theirs).values(values)).rowcount == 0:
                connection.execute(sa.insert(person_settings).values(person_id=person_id, **values))

        await self._store.write(put)
        return await self.of(person_id)

    async def forget(self, person_id: int) -> None:
        """Nothing is kept of how this person had it.

        Settings, searches, pages, choices, runs, ways to undo, log-ins under way, and files that waited.
        """

        def clear(connection: sa.Connection) -> None:
            for table in _THEIRS:
                connection.execute(sa.delete(table).where(table.c.person_id == person_id))

        await self._store.write(clear)
