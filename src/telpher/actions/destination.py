"""Where a person's new files go: what the caption says, else the folder that takes the next files, else what they settled on."""

from __future__ import annotations

import collections
import dataclasses
import enum
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from telpher.access import Access, Right
from telpher.actions.cards import Card, Cards
from telpher.actions.folder_paths import FolderPaths
from telpher.actions.path_template import FileFacts, FolderPath, PathTemplate, path_in_caption
from telpher.actions.personal import FilesGo, Personal, PersonSettings
from telpher.actions.trail import Trails
from telpher.drives.port import Drive, EntryId
from telpher.errors import DriveDisconnectedError, EntryNotFoundError, StaleButtonError
from telpher.store import Store
from telpher.store.schema import upload_targets

UPLOADS_LAST_S = 15 * 60
_ALBUMS_KEPT = 1000


class Base(enum.StrEnum):
    """What a path begins at."""

    HOME = "home"
    TOP = "top"
    FOLDER = "folder"


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where a file will go, decided when it came; folders that are missing are made when it is carried."""

    base: Base = Base.HOME
    names: tuple[str, ...] = ()
    drive: str | None = None
    folder_id: EntryId | None = None

    def to_payload(self) -> dict[str, Any]:
        """As JSON."""
        return {"base": self.base.value, "names": list(self.names), "folder_id": self.folder_id}

    @classmethod
    def of_path(cls, path: FolderPath) -> Destination:
        """Named folders."""
        return cls(Base.TOP if path.is_from_top else Base.HOME, path.names)


AT_HOME = Destination()


@dataclasses.dataclass(frozen=True)
class UploadTarget:
    """The folder that takes the next files, and until when (unix milliseconds)."""

    folder: Card
    until_ms: int
    is_root: bool


class Destinations:
    """Decides for each file, and keeps what decides."""

    def __init__(
        self,
        *,
        access: Access,
        cards: Cards,
        personal: Personal,
        trails: Trails,
        paths: FolderPaths,
        store: Store,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._access = access
        self._cards = cards
        self._personal = personal
        self._trails = trails
        self._paths = paths
        self._store = store
        self._now_ms = now_ms
        # An album comes within a second; after a restart in its midst its rest goes where files go otherwise.
        self._albums: collections.OrderedDict[tuple[int, str], Destination] = collections.OrderedDict()

    async def decide(
        self, person_id: int, facts: FileFacts, caption: str | None, *, is_forwarded: bool, album_id: str | None = None
    ) -> tuple[Destination | None, str | None]:
        """Where a file goes (None: they want to be asked), and what is left of its caption. Asks nothing of any drive.

        Of a forwarded file the caption is somebody else's, and sends it nowhere. An album's caption stands on its first file, and
        speaks for all.
        """
        if self._access.folder_of(person_id) is not None or not self._access.may(person_id, Right.USE_DRIVE):
            # The owner has chosen for them.
            return AT_HOME, caption
        wish, rest = (None, caption) if is_forwarded else path_in_caption(caption)
        album = (person_id, album_id or "")
        if wish is not None:
            destination = Destination.of_path(wish)
            if album_id is not None:
                self._albums[album] = destination
                if len(self._albums) > _ALBUMS_KEPT:
                    self._albums.popitem(last=False)
            return destination, rest
        if album_id is not None and not caption and album in self._albums:
            return self._albums[album], caption
        return await self._without_wish(person_id, facts), caption

    async def _without_wish(self, person_id: int, facts: FileFacts) -> Destination | None:
        target = await self._target(person_id)
        if target is not None and await self._has(person_id, target.drive):
            return Destination(Base.FOLDER, drive=target.drive, folder_id=EntryId(target.folder_id))
        settled = await self._personal.of(person_id)
        match settled.files_go:
            case FilesGo.ASK:
                return None
            case FilesGo.FOLDER:
                if not await self._has(person_id, settled.drive):
                    return AT_HOME
                return Destination(Base.FOLDER, drive=settled.drive, folder_id=settled.folder_id)
            case FilesGo.TEMPLATE:
                language = self._access.language_of(person_id)[:2]
                return Destination.of_path(PathTemplate(settled.template).fill(facts, language))
            case FilesGo.HOME:
                return AT_HOME

    async def _target(self, person_id: int) -> sa.Row[Any] | None:
        query = sa.select(upload_targets).where(
            upload_targets.c.person_id == person_id, upload_targets.c.until_ms > self._now_ms()
        )
        return await self._store.read(lambda connection: connection.execute(query).one_or_none())

    async def _has(self, person_id: int, drive: str | None) -> bool:
        """Whether they still have the drive that a chosen folder is in."""
        try:
            await self._cards.drive_of(person_id, drive)
        except DriveDisconnectedError:
            return False
        return True

    async def folder_for(self, drive: Drive, payload: Mapping[str, Any]) -> EntryId | None:
        """The folder that `to_payload` meant, found or made; None for the drive's folder for new files. Raises DriveError.

        A chosen folder that is gone by then loses no file: it goes to the folder for new files.
        """
        base, names = Base(payload["base"]), tuple(payload["names"])
        start_id: EntryId | None = None
        if base is Base.FOLDER:
            start_id = await self._still(drive, EntryId(payload["folder_id"]))
        elif base is Base.TOP:
            start_id = (await drive.start()).id
        if not names:
            return start_id
        if start_id is None:
            start_id = (await drive.home()).id
        return await self._paths.ensure(drive, start_id, names)

    async def _still(self, drive: Drive, folder_id: EntryId) -> EntryId | None:
        root = await drive.root()
        if folder_id == root.id:
            return folder_id
        try:
            folder = await drive.stat(folder_id)
        except EntryNotFoundError:
            return None
        return folder_id if folder.is_folder and not folder.is_trashed else None

    # -- what a person settles on: that also ends what takes the next files

    async def settled(self, person_id: int) -> tuple[PersonSettings, str | None]:
        """What they settled on, and the chosen folder's name (None when there is none, or it is gone)."""
        self._cards.check(person_id)
        settled = await self._personal.of(person_id)
        if settled.folder_id is None or settled.files_go is not FilesGo.FOLDER:
            return settled, None
        try:
            drive = await self._cards.drive_of(person_id, settled.drive)
            place = await self._trails.place(person_id, drive, settled.folder_id)
        except (EntryNotFoundError, DriveDisconnectedError):
            return settled, None
        return settled, place.folder.name

    async def settle(self, person_id: int, choice: FilesGo) -> None:
        """`HOME` or `ASK`."""
        self._cards.check(person_id)
        if choice not in {FilesGo.HOME, FilesGo.ASK}:
            raise ValueError("a folder and a template are chosen otherwise")
        await self._personal.change(person_id, files_go=choice)
        await self.take_no_more(person_id)

    async def settle_on_folder(self, person_id: int, token: str) -> None:
        """This folder. Raises StaleButtonError, AccessDeniedError, DriveError."""
        drive, folder_id = await self._open_folder(person_id, token)
        await self._personal.change(person_id, files_go=FilesGo.FOLDER, drive=drive.name, folder_id=folder_id)
        await self.take_no_more(person_id)

    async def draft(self, person_id: int, text: str) -> PathTemplate:
        """Keep a template to be looked at first. Raises TemplateInvalidError."""
        self._cards.check(person_id)
        template = PathTemplate(text)
        await self._personal.change(person_id, draft=template.text)
        return template

    async def take_draft(self, person_id: int) -> str:
        """Files go by the drafted template from now on; its text. Raises StaleButtonError without one."""
        self._cards.check(person_id)
        draft = (await self._personal.of(person_id)).draft
        if not draft:
            raise StaleButtonError("no template was drafted")
        await self._personal.change(person_id, files_go=FilesGo.TEMPLATE, template=draft)
        await self.take_no_more(person_id)
        return draft

    # -- the folder that takes the next files

    async def take_next(self, person_id: int, token: str) -> UploadTarget:
        """The next files go into this folder, for a quarter of an hour. Raises StaleButtonError, AccessDeniedError, DriveError."""
        drive, folder_id = await self._open_folder(person_id, token)
        until_ms = self._now_ms() + UPLOADS_LAST_S * 1000

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(upload_targets).where(upload_targets.c.person_id == person_id))
            connection.execute(
                sa.insert(upload_targets).values(
                    person_id=person_id, drive=drive.name, folder_id=folder_id, until_ms=until_ms
                )
            )

        await self._store.write(put)
        place = await self._trails.place(person_id, drive, folder_id)
        return UploadTarget(await self._cards.card(person_id, drive, place.folder), until_ms, place.is_root)

    async def taking(self, person_id: int) -> UploadTarget | None:
        """The folder that takes the next files now; None where there is none, or it is gone."""
        self._cards.check(person_id)
        target = await self._target(person_id)
        if target is None:
            return None
        try:
            drive = await self._cards.drive_of(person_id, target.drive)
            place = await self._trails.place(person_id, drive, EntryId(target.folder_id))
        except (EntryNotFoundError, DriveDisconnectedError):
            return None
        return UploadTarget(await self._cards.card(person_id, drive, place.folder), target.until_ms, place.is_root)

    async def take_no_more(self, person_id: int) -> bool:
        """Files go where they went before; False when they did already."""
        change = sa.delete(upload_targets).where(upload_targets.c.person_id == person_id)
        return await self._store.write(lambda connection: connection.execute(change).rowcount > 0)

    async def at_folder(self, person_id: int, token: str) -> Destination:
        """This folder, for files that were held. Raises StaleButtonError, AccessDeniedError, DriveError."""
        drive, folder_id = await self._open_folder(person_id, token)
        return Destination(Base.FOLDER, drive=drive.name, folder_id=folder_id)

    async def _open_folder(self, person_id: int, token: str) -> tuple[Drive, EntryId]:
        opened = await self._cards.open(person_id, token)
        place = await self._trails.place(person_id, opened.drive, opened.entry_id)
        return opened.drive, place.folder.id
