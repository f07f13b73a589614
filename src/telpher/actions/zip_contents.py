"""What goes into a zip: a walk through folders, bounded, giving every file a safe and unique path.

Documents of the drive's own come in the format that can be edited on; what has neither bytes nor such a format (a form, a map) comes as
a shortcut that opens it in the drive, so that nothing is left out unsaid.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import cast

from telpher.drives.names import numbered, safe_name
from telpher.drives.port import Capability, Cursor, Drive, Entry, ExportFormat, Exports
from telpher.errors import BadInputError
from telpher.transfers.zip_stream import Member, OpenContent

ENTRIES_LIMIT = 2000
DOCUMENTS_LIMIT = 200
DEPTH_LIMIT = 40
_PAGE_SIZE = 500


class TooMuchToZipError(BadInputError):
    """More entries, or more documents to convert, than one zip takes. Params: `limit`."""

    text_key = "error.too_much_to_zip"


@dataclasses.dataclass(frozen=True)
class Document:
    """What has to be converted before its size is known."""

    path: str
    entry: Entry
    format: ExportFormat


@dataclasses.dataclass(frozen=True)
class ZipContents:
    """All that goes in."""

    members: tuple[Member, ...]
    documents: tuple[Document, ...]


class Walk:
    """One walk; it stops as soon as more than `limit_bytes` have been seen, as the zip cannot be sent then anyway."""

    def __init__(self, drive: Drive, limit_bytes: int | None) -> None:
        self._drive = drive
        self._limit_bytes = limit_bytes
        self._members: list[Member] = []
        self._documents: list[Document] = []
        self._size_bytes = 0

    async def run(self, roots: Iterable[Entry]) -> ZipContents:
        """From these entries down; an only folder stands for what is in it. Raises TooMuchToZipError, DriveError."""
        tops = list(roots)
        if len(tops) == 1 and tops[0].is_folder:
            waiting = deque([(tops[0], "", 0)])
        else:
            waiting = deque()
            self._take_all(tops, "", 0, waiting)
        while waiting and not self._is_over:
            folder, path, depth = waiting.popleft()
            entries = await self._children(folder)
            if not entries and path:
                self._add(Member(path, folder.modified_at))
            self._take_all(entries, path, depth, waiting)
        return ZipContents(tuple(self._members), tuple(self._documents))

    @property
    def _is_over(self) -> bool:
        return self._limit_bytes is not None and self._size_bytes > self._limit_bytes

    async def _children(self, folder: Entry) -> list[Entry]:
        entries: list[Entry] = []
        cursor: Cursor | None = None
        while True:
            page = await self._drive.children(folder.id, cursor=cursor, limit=_PAGE_SIZE)
            entries += page.entries
            if len(entries) > ENTRIES_LIMIT:
                raise TooMuchToZipError(limit=ENTRIES_LIMIT)
            cursor = page.next_cursor
            if cursor is None:
                return entries

    def _take_all(
        self, entries: Iterable[Entry], above: str, depth: int, waiting: deque[tuple[Entry, str, int]]
    ) -> None:
        taken: set[str] = set()
        for entry in entries:
            wanted = self._format(entry)
            suffix = "" if entry.is_folder or entry.size_bytes is not None else f".{wanted.suffix if wanted else 'url'}"
            path = above + _unique(entry.name + suffix, taken)
            if entry.is_folder:
                if depth < DEPTH_LIMIT:
                    waiting.append((entry, f"{path}/", depth + 1))
            elif entry.size_bytes is not None:
                self._size_bytes += entry.size_bytes
                content = _reading(self._drive, entry)
                self._add(Member(path, entry.modified_at, entry.size_bytes, content, entry.checksum))
            elif wanted is not None:
                self._documents.append(Document(path, entry, wanted))
                if len(self._documents) > DOCUMENTS_LIMIT:
                    raise TooMuchToZipError(limit=DOCUMENTS_LIMIT)
            elif entry.link:
                shortcut = f"[InternetShortcut]\r\nURL={entry.link}\r\n".encode()
                self._add(Member(path, entry.modified_at, len(shortcut), _holding(shortcut)))

    def _add(self, member: Member) -> None:
        path = member.path.rstrip("/")
        self._members.append(dataclasses.replace(member, path=path))
        if len(self._members) > ENTRIES_LIMIT:
            raise TooMuchToZipError(limit=ENTRIES_LIMIT)

    def _format(self, entry: Entry) -> ExportFormat | None:
        """The last one that the drive offers is the one that can be edited on; the first is for reading."""
        if entry.is_folder or entry.size_bytes is not None or Capability.EXPORT not in self._drive.capabilities:
            return None
        formats = cast("Exports", self._drive).formats_of(entry)
        return formats[-1] if formats else None


def _unique(name: str, taken: set[str]) -> str:
    """Safe on every system, and told apart from its neighbours also where capitals do not count."""
    safe = safe_name(name, fallback="file")
    candidate, number = safe, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = numbered(safe, number)
    taken.add(candidate.casefold())
    return candidate


def _reading(drive: Drive, entry: Entry) -> OpenContent:
    return lambda: drive.read(entry.id)


def _holding(content: bytes) -> OpenContent:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        yield pieces()

    return opened
