"""What a drive is: the small port that every storage implements, and the words (`Entry`, `Page`, `UploadSession`) it speaks in.

Required: root, stat, children, read, begin/resume an upload session, make a folder, rename, move, delete. Everything else is
declared as a `Capability`; a caller asks `drive.capabilities` first and never runs into a surprise. All failures are raised as the
`DriveError`s of `telpher.errors`. One contract suite (`tests/contracts/drive_contract.py`) runs over every drive.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import NewType, Protocol

EntryId = NewType("EntryId", str)
Cursor = NewType("Cursor", str)

FOLDER_MIME_TYPE = "application/vnd.google-apps.folder"


class Capability(enum.Enum):
    """What a drive may offer beyond the required operations."""

    IDS_BEFORE_CREATE = "ids_before_create"
    """`new_id()` gives an id that a create then uses; repeating that create cannot make a second file."""
    TRASH = "trash"
    """`delete` is undone by `restore` (the drive's own trash)."""
    SEARCH = "search"
    CONTENT_SEARCH = "content_search"
    """`search` looks into contents too."""
    STARS = "stars"
    """Entries can be marked, and the marked ones listed."""
    RECENT = "recent"
    """What changed last, wherever it lies."""
    SHARE = "share"
    """Others can be let in to an entry, and out again."""
    EXPORT = "export"
    """Documents without bytes of their own can be had in other formats."""
    QUOTA = "quota"
    CHANGES = "changes"
    LINKS = "links"
    """Entries carry a `link` that opens them in a browser."""
    DUPLICATE_NAMES = "duplicate_names"
    """Two entries of one folder may bear the same name."""


class ChecksumKind(enum.StrEnum):
    """Named as `hashlib` names them."""

    MD5 = "md5"
    SHA256 = "sha256"


@dataclasses.dataclass(frozen=True)
class Checksum:
    """A digest in lower-case hexadecimal."""

    kind: ChecksumKind
    hexdigest: str


class Order(enum.Enum):
    """How `children` are sorted. Folders always come first; names in natural order (2 before 10)."""

    NAME = "name"
    NEWEST = "newest"
    LARGEST = "largest"


class EntryKind(enum.StrEnum):
    """What people tell entries apart by."""

    FOLDER = "folder"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    """Texts, tables, presentations, PDF."""
    ARCHIVE = "archive"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchFilter:
    """Narrows a search down; None narrows nothing."""

    kind: EntryKind | None = None
    changed_since: dt.datetime | None = None
    """Aware."""


EVERYTHING = SearchFilter()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A file or a folder as the drive tells it."""

    id: EntryId
    name: str
    parent_id: EntryId | None
    is_folder: bool
    size_bytes: int | None
    """None for folders and for what has no bytes of its own (Google Docs)."""
    mime_type: str
    modified_at: dt.datetime
    """Aware, UTC."""
    checksum: Checksum | None = None
    """Always known of what a finished upload answers; None where the drive does not know (yet): put there by other means."""
    link: str | None = None
    is_trashed: bool = False
    is_starred: bool = False


@dataclasses.dataclass(frozen=True)
class Page:
    """Part of a listing; `next_cursor` is None on the last page."""

    entries: tuple[Entry, ...]
    next_cursor: Cursor | None


@dataclasses.dataclass(frozen=True)
class Quota:
    """Both in bytes; `limit_bytes` is None where there is none."""

    used_bytes: int
    limit_bytes: int | None


class GrantRole(enum.StrEnum):
    """What somebody may do to an entry that is shared with them, from least to most."""

    VIEW = "view"
    COMMENT = "comment"
    EDIT = "edit"


@dataclasses.dataclass(frozen=True)
class Grant:
    """Who else may see an entry, and do what to it. The owner's own right is no grant."""

    id: str
    who: str | None
    """An e-mail address (`@example.com` for a whole organisation), or None for anyone who has the link."""
    role: GrantRole


@dataclasses.dataclass(frozen=True)
class ExportFormat:
    """What a document without bytes of its own can be had as."""

    suffix: str
    """Names it: `pdf`, `docx`; without a dot."""
    mime_type: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class UploadSpec:
    """What a new file will be. `size_bytes` is exact: the session ends when so many bytes have arrived."""

    id: EntryId | None
    """From `new_id()` where the drive has IDS_BEFORE_CREATE, else None."""
    parent_id: EntryId
    name: str
    """Already safe (`telpher.drives.names.safe_name`). A drive without DUPLICATE_NAMES appends " (2)", " (3)", … where it is taken."""
    mime_type: str
    size_bytes: int
    modified_at: dt.datetime | None = None


class UploadSession(Protocol):
    """An upload that survives our restarts: `token` is all that `Drive.resume_upload` needs."""

    @property
    def token(self) -> str: ...

    async def received(self) -> int | Entry:
        """Ask the drive how many bytes it holds, or get the finished entry. Raises SessionGoneError."""

    async def send(self, chunks: AsyncIterator[bytes], offset: int) -> Entry | int:
        """Stream bytes from `offset` to the end of the file in one request; returns the finished entry.

        Returns the number of bytes held instead when the drive took only a part (308). `offset` is what `received()` said (0 for a
        new session). Raises DriveUnreachableError when the connection broke: ask `received()` again, never guess.
        """

    async def cancel(self) -> None:
        """Give the session up and free what it holds. No error if it is gone already."""


class Drive(Protocol):
    """A storage with folders and files. Coroutines may be called concurrently."""

    @property
    def name(self) -> str:
        """`folder`, `google`, …"""

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    @property
    def checksum_kind(self) -> ChecksumKind:
        """Which digest its finished entries carry, as a rule: what counts is the kind that an entry comes with."""

    async def root(self) -> Entry:
        """The top of the drive."""

    async def start(self) -> Entry:
        """Where browsing opens: the root, or the home folder where this account may see nothing else."""

    async def home(self) -> Entry:
        """The folder that new files go to (made where it is missing); the root itself for some drives."""

    async def stat(self, entry_id: EntryId) -> Entry:
        """Also finds trashed entries (`is_trashed`). Raises EntryNotFoundError."""

    async def children(
        self, folder_id: EntryId, *, cursor: Cursor | None = None, limit: int = 100, order: Order = Order.NAME
    ) -> Page:
        """At most `limit` entries that are not trashed, from `cursor` on. Raises EntryNotFoundError."""

    def read(self, entry_id: EntryId, offset: int = 0) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream the file's bytes from `offset` on, in chunks of at most 1 MiB, in constant memory."""

    async def upload_small(self, spec: UploadSpec, content: bytes) -> Entry:
        """Create a file of at most 5 MB in one request. Raises EntryExistsError when `spec.id` has landed before."""

    async def begin_upload(self, spec: UploadSpec) -> UploadSession:
        """Open an upload session. Raises EntryExistsError when `spec.id` has landed before."""

    async def resume_upload(self, token: str, spec: UploadSpec) -> UploadSession:
        """The session that an earlier process began. Whether it still lives, `received()` tells."""

    async def make_folder(self, parent_id: EntryId, name: str) -> Entry: ...

    async def rename(self, entry_id: EntryId, name: str) -> Entry: ...

    async def move(self, entry_id: EntryId, parent_id: EntryId) -> Entry: ...

    async def delete(self, entry_id: EntryId) -> None:
        """To the drive's trash where it has one (TRASH), else for good. No error if it is deleted already."""

    async def close(self) -> None:
        """Free connections. The drive is not used afterwards."""


class IssuesIds(Protocol):
    """IDS_BEFORE_CREATE."""

    async def new_id(self) -> EntryId: ...


class Restores(Protocol):
    """TRASH."""

    async def restore(self, entry_id: EntryId) -> Entry:
        """Back out of the trash, to the folder it was in (to the root where that is gone)."""


class Searches(Protocol):
    """SEARCH."""

    async def search(
        self, words: str, *, cursor: Cursor | None = None, limit: int = 100, narrow: SearchFilter = EVERYTHING
    ) -> Page:
        """Entries outside the trash whose name (or content, with CONTENT_SEARCH) has every word and that pass `narrow`."""


class Stars(Protocol):
    """STARS."""

    async def set_starred(self, entry_id: EntryId, *, is_starred: bool) -> Entry:
        """Mark it or take the mark off; nothing else changes. Raises EntryNotFoundError."""

    async def starred(self, *, cursor: Cursor | None = None, limit: int = 100) -> Page:
        """What is marked and not trashed, folders first, by name."""


class TellsRecent(Protocol):
    """RECENT."""

    async def recent(self, *, cursor: Cursor | None = None, limit: int = 100) -> Page:
        """Files of all folders that are not trashed, the last changed first."""


class TellsQuota(Protocol):
    """QUOTA."""

    async def quota(self) -> Quota: ...


class Shares(Protocol):
    """SHARE. Nothing here touches the owner's own right."""

    async def grants(self, entry_id: EntryId) -> tuple[Grant, ...]:
        """Who else may see the entry, also by way of its folder. Raises EntryNotFoundError."""

    async def grant(self, entry_id: EntryId, who: str | None, role: GrantRole) -> Grant:
        """Let `who` (an e-mail address; None: anyone with the link) do `role`; a grant they have already changes to it.

        Doing it twice does no more than once. Raises GranteeInvalidError, DriveForbiddenError, EntryNotFoundError.
        """

    async def revoke(self, entry_id: EntryId, grant_id: str) -> None:
        """Take a grant back. No error if it, or the entry, is gone already."""


class Exports(Protocol):
    """EXPORT."""

    def formats_of(self, entry: Entry) -> tuple[ExportFormat, ...]:
        """What `entry` can be had as, the most readable first; empty for what has bytes of its own."""

    def export(self, entry_id: EntryId, wanted: ExportFormat) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream it in this format, in chunks of at most 1 MiB; how many is not known beforehand. Raises ExportTooBigError."""
