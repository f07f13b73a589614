"""Google Drive over its REST API: see `telpher.drives.port.Drive`.

https://developers.google.com/workspace/drive/api/reference/rest/v3. Shared drives are served too (`supportsAllDrives`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from yarl import URL

from telpher.drives.google.client import GoogleClient, translated
from telpher.drives.google.errors import BadRequestError, RangeNotSatisfiableError
from telpher.drives.google.exporting import export, formats_of
from telpher.drives.google.home import HomeFolder
from telpher.drives.google.ids import IdPool
from telpher.drives.google.query import (
    FIELDS,
    LIST_FIELDS,
    ORDER_BY,
    RECENT,
    RECENT_FIRST,
    STARRED,
    children_of,
    containing,
    entry_from,
)
from telpher.drives.google.sense import all_making_sense, another_page
from telpher.drives.google.sharing import grant, grants_of, revoke
from telpher.drives.google.uploads import GoogleUpload, begin_session, upload_multipart
from telpher.drives.port import (
    EVERYTHING,
    FOLDER_MIME_TYPE,
    Capability,
    ChecksumKind,
    Cursor,
    Entry,
    EntryId,
    ExportFormat,
    Grant,
    GrantRole,
    Order,
    Page,
    Quota,
    SearchFilter,
    UploadSession,
    UploadSpec,
)
from telpher.errors import EntryExistsError, EntryNotFoundError, StaleButtonError

_FILES = "/drive/v3/files"
_ONE = {"fields": FIELDS, "supportsAllDrives": "true"}
_MANY = {
    "fields": LIST_FIELDS,
    "supportsAllDrives": "true",
    "includeItemsFromAllDrives": "true",
    "spaces": "drive",
}
_PIECE_BYTES = 1 << 20
_PAGE_LIMIT = 1000
_SHARED_DRIVES_LIMIT = 500
_ID_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ROOT_ALIAS = EntryId("root")


@all_making_sense
class GoogleDrive:
    """One account's Google Drive."""

    name: str = "google"
    capabilities: frozenset[Capability] = frozenset(
        {
            Capability.IDS_BEFORE_CREATE,
            Capability.TRASH,
            Capability.SEARCH,
            Capability.CONTENT_SEARCH,
            Capability.STARS,
            Capability.RECENT,
            Capability.SHARE,
            Capability.EXPORT,
            Capability.QUOTA,
            Capability.LINKS,
            Capability.DUPLICATE_NAMES,
        }
    )
    checksum_kind = ChecksumKind.SHA256

    def __init__(
        self, client: GoogleClient, ids: IdPool, home: HomeFolder, *, name: str = "google", shared_drive_id: str = ""
    ) -> None:
        self.name = name
        self._top = EntryId(shared_drive_id) if shared_drive_id else _ROOT_ALIAS
        if shared_drive_id:
            # Its room is its organisation's, and is not told.
            self.capabilities = self.capabilities - {Capability.QUOTA}
        self._client = client
        self._home = home
        self._ids = ids
        self._root: Entry | None = None

    async def root(self) -> Entry:
        """See the port. A grant of scope `drive.file` may not look at it: then it is only named."""
        if self._root is None:
            try:
                self._root = await self.stat(self._top)
            except EntryNotFoundError:
                if self._top != _ROOT_ALIAS:
                    raise
                self._root = Entry(
                    id=_ROOT_ALIAS,
                    name="My Drive",
                    parent_id=None,
                    is_folder=True,
                    size_bytes=None,
                    mime_type=FOLDER_MIME_TYPE,
                    modified_at=dt.datetime.fromtimestamp(0, dt.UTC),
                )
        return self._root

    async def home(self) -> Entry:
        """See the port."""
        return await self._home.get()

    async def start(self) -> Entry:
        """See the port."""
        root = await self.root()
        return await self.home() if root.id == _ROOT_ALIAS else root

    async def stat(self, entry_id: EntryId) -> Entry:
        """See the port."""
        return entry_from(await self._client.ask("GET", _path(entry_id), params=_ONE))

    async def children(
        self, folder_id: EntryId, *, cursor: Cursor | None = None, limit: int = 100, order: Order = Order.NAME
    ) -> Page:
        """See the port."""
        _path(folder_id)
        return await self._list({"q": children_of(folder_id), "orderBy": ORDER_BY[order]}, cursor, limit)

    async def search(
        self, words: str, *, cursor: Cursor | None = None, limit: int = 100, narrow: SearchFilter = EVERYTHING
    ) -> Page:
        """See the port. Google sorts what it found in contents by itself, and takes no order."""
        query = containing(words, narrow)
        return await self._list({"q": query}, cursor, limit) if query else Page((), None)

    async def set_starred(self, entry_id: EntryId, *, is_starred: bool) -> Entry:
        """See the port."""
        return await self._change(entry_id, {"starred": is_starred})

    async def starred(self, *, cursor: Cursor | None = None, limit: int = 100) -> Page:
        """See the port."""
        return await self._list({"q": STARRED, "orderBy": ORDER_BY[Order.NAME]}, cursor, limit)

    async def recent(self, *, cursor: Cursor | None = None, limit: int = 100) -> Page:
        """See the port."""
        return await self._list({"q": RECENT, "orderBy": RECENT_FIRST}, cursor, limit)

    async def _list(self, asked: Mapping[str, str], cursor: Cursor | None, limit: int) -> Page:
        params: dict[str, str | int] = {**_MANY, **asked, "pageSize": max(1, min(limit, _PAGE_LIMIT))}
        if self._top != _ROOT_ALIAS:
            params |= {"corpora": "drive", "driveId": self._top}
        if cursor is not None:
            params["pageToken"] = cursor
        try:
            answer = await self._client.ask("GET", _FILES, params=params)
        except BadRequestError as error:
            if cursor is None:
                raise
            raise StaleButtonError("Google no longer knows this page") from error
        token = answer.get("nextPageToken")
        return Page(tuple(entry_from(item) for item in answer.get("files", ())), Cursor(token) if token else None)

    @contextlib.asynccontextmanager
    async def read(self, entry_id: EntryId, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        """See the port."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        params = {"alt": "media", "supportsAllDrives": "true"}
        async with contextlib.AsyncExitStack() as stack:
            opening = self._client.answer("GET", self._client.url(_path(entry_id)), params=params, headers=headers)
            try:
                answer = await stack.enter_async_context(opening)
            except RangeNotSatisfiableError:
                yield _pieces(None)
            else:
                yield _pieces(answer, skip_bytes=offset if answer.status == 200 else 0)

    async def upload_small(self, spec: UploadSpec, content: bytes) -> Entry:
        """See the port."""
        return await upload_multipart(self._client, spec, content)

    async def begin_upload(self, spec: UploadSpec) -> UploadSession:
        """See the port."""
        return GoogleUpload(self._client, await begin_session(self._client, spec), spec, self.stat)

    async def resume_upload(self, token: str, spec: UploadSpec) -> UploadSession:
        """See the port."""
        return GoogleUpload(self._client, URL(token, encoded=True), spec, self.stat)

    async def make_folder(self, parent_id: EntryId, name: str) -> Entry:
        """See the port."""
        folder_id = await self.new_id()
        body = {"id": folder_id, "name": name, "mimeType": FOLDER_MIME_TYPE, "parents": [parent_id]}
        try:
            return entry_from(await self._client.ask("POST", _FILES, params=_ONE, body=body))
        except EntryExistsError:
            # The id is ours alone: an attempt of this very call has landed.
            return await self.stat(folder_id)

    async def rename(self, entry_id: EntryId, name: str) -> Entry:
        """See the port."""
        return await self._change(entry_id, {"name": name})

    async def move(self, entry_id: EntryId, parent_id: EntryId) -> Entry:
        """See the port."""
        entry = await self.stat(entry_id)
        if entry.parent_id == parent_id:
            return entry
        params = {"addParents": str(parent_id)}
        if entry.parent_id is not None:
            params["removeParents"] = str(entry.parent_id)
        return await self._change(entry_id, {}, params)

    async def delete(self, entry_id: EntryId) -> None:
        """See the port."""
        with contextlib.suppress(EntryNotFoundError):
            await self._change(entry_id, {"trashed": True})

    async def restore(self, entry_id: EntryId) -> Entry:
        """See the port."""
        entry = await self._change(entry_id, {"trashed": False})
        if entry.parent_id is not None:
            with contextlib.suppress(EntryNotFoundError):
                if not (await self.stat(entry.parent_id)).is_trashed:
                    return entry
        # A folder that a `drive.file` grant may not look at is no reason to move anything.
        return entry if entry.parent_id is not None else await self._change(entry_id, {}, {"addParents": self._top})

    async def grants(self, entry_id: EntryId) -> tuple[Grant, ...]:
        """See the port."""
        return await grants_of(self._client, _path(entry_id))

    async def grant(self, entry_id: EntryId, who: str | None, role: GrantRole) -> Grant:
        """See the port. Google tells the person by e-mail."""
        return await grant(self._client, _path(entry_id), who, role)

    async def revoke(self, entry_id: EntryId, grant_id: str) -> None:
        """See the port."""
        await revoke(self._client, _path(entry_id), grant_id)

    def formats_of(self, entry: Entry) -> tuple[ExportFormat, ...]:
        """See the port."""
        return formats_of(entry.mime_type)

    @contextlib.asynccontextmanager
    async def export(self, entry_id: EntryId, wanted: ExportFormat) -> AsyncIterator[AsyncIterator[bytes]]:
        """See the port."""
        async with export(self._client, _path(entry_id), wanted) as answer:
            yield _pieces(answer)

    async def quota(self) -> Quota:
        """See the port."""
        about = await self._client.ask("GET", "/drive/v3/about", params={"fields": "storageQuota(limit,usage)"})
        quota = about.get("storageQuota", {})
        return Quota(int(quota.get("usage", 0)), int(quota["limit"]) if quota.get("limit") else None)

    async def new_id(self) -> EntryId:
        """See the port."""
        return await self._ids.take()

    async def owner(self) -> str:
        """The account's e-mail address, or its owner's name where that is not shown."""
        about = await self._client.ask("GET", "/drive/v3/about", params={"fields": "user(emailAddress,displayName)"})
        user = about.get("user", {})
        return str(user.get("emailAddress") or user.get("displayName") or "")

    async def shared_drives(self) -> tuple[tuple[str, str], ...]:
        """The shared drives that the account is a member of, as (id, name). Only a grant for the whole drive may ask."""
        found: list[tuple[str, str]] = []
        params = {"fields": "nextPageToken,drives(id,name)", "pageSize": "100"}
        while True:
            answer = await self._client.ask("GET", "/drive/v3/drives", params=params)
            found += [(str(one["id"]), str(one["name"])) for one in answer.get("drives", ())]
            if not (token := answer.get("nextPageToken")) or len(found) >= _SHARED_DRIVES_LIMIT:
                return tuple(found)
            params["pageToken"] = another_page(token, params.get("pageToken"))

    async def close(self) -> None:
        """See the port."""
        await self._client.close()

    async def _change(
        self, entry_id: EntryId, body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Entry:
        return entry_from(
            await self._client.ask("PATCH", _path(entry_id), params={**_ONE, **(params or {})}, body=body)
        )


def _path(entry_id: EntryId) -> str:
    if not _ID_SHAPE.fullmatch(entry_id):
        raise EntryNotFoundError("not an id of Google's")
    return f"{_FILES}/{entry_id}"


async def _pieces(answer: aiohttp.ClientResponse | None, *, skip_bytes: int = 0) -> AsyncIterator[bytes]:
    """The answer's bytes; nothing where the file ends before the offset."""
    if answer is None:
        return
    with translated():
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            # A server that ignores Range sends the file from its start.
            kept = piece[skip_bytes:] if skip_bytes else piece
            skip_bytes = max(0, skip_bytes - len(piece))
            if kept:
                yield kept
