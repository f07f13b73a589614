"""The folder drive's blocking half: entries found by id in the tree, listed, moved, trashed and restored.

Errors are those of `telpher.errors`; wrap calls in `translated`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import mimetypes
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from telpher.drives.folder import listing
from telpher.drives.folder.index import Index, Row
from telpher.drives.folder.tree import PRIVATE, Tree, join, name_of, parent_of
from telpher.drives.names import numbered, safe_name
from telpher.drives.port import FOLDER_MIME_TYPE, Checksum, ChecksumKind, Cursor, Entry, EntryId, Order, Page, Quota
from telpher.errors import (
    DriveForbiddenError,
    DriveUnreachableError,
    EntryNotFoundError,
    FolderFullError,
    NameInvalidError,
)

ROOT_ID = EntryId("root")
UPLOADS = PRIVATE + b"/uploads"
TRASH = PRIVATE + b"/trash"

_PIECE_BYTES = 1 << 20
# What was put there by hand is summed when somebody asks for it, up to a size that makes nobody wait.
_SUM_AT_ONCE_BYTES = 64 << 20

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.EXDEV}
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR}


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as error:
        detail = f"{error.strerror or error}"
        if error.errno in _FULL:
            raise FolderFullError(detail) from error
        if error.errno in _FORBIDDEN:
            raise DriveForbiddenError(detail) from error
        if error.errno in _GONE:
            raise EntryNotFoundError(detail) from error
        if error.errno == errno.ENAMETOOLONG:
            raise NameInvalidError(detail) from error
        raise DriveUnreachableError(detail) from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise FolderFullError("no room for the index") from error
        raise DriveUnreachableError(f"the index: {error}") from error


class Cabinet:
    """An open folder with its index."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.tree = Tree(root)
        self.index = Index(root / os.fsdecode(PRIVATE) / "index.sqlite")

    def close(self) -> None:
        """Let go of both."""
        self.index.close()
        self.tree.close()

    # -- finding ---------------------------------------------------------------------------------------------------------

    def find(self, entry_id: str) -> tuple[Row | None, bytes, os.stat_result]:
        """The entry's row (None for the root), path and status. Raises EntryNotFoundError."""
        if entry_id == ROOT_ID:
            return None, b"", self.tree.status(b"")
        row = self.index.get(entry_id)
        if row is None or self.tree.status_or_none(partial_path(entry_id)) is not None:
            raise EntryNotFoundError("no entry has this id")
        if row.path is not None and (found := self.tree.status_or_none(row.path)) is not None:
            return self._refreshed(row, found), row.path, found
        return self._find_elsewhere(row)

    def find_folder(self, entry_id: str) -> bytes:
        """The path of the folder with this id. Raises EntryNotFoundError."""
        _, path, found = self.find(entry_id)
        if not stat.S_ISDIR(found.st_mode):
            raise EntryNotFoundError("not a folder")
        return path

    def _refreshed(self, row: Row, found: os.stat_result) -> Row:
        if row.is_same_file(found):
            return row
        with self.index.transaction():
            self.index.refresh(row, found)
        refreshed = self.index.get(row.id)
        assert refreshed is not None
        return refreshed

    def _find_elsewhere(self, row: Row) -> tuple[Row, bytes, os.stat_result]:
        """Moved by hand, or by us just before a crash: its inode tells."""
        own_trash = join(TRASH, row.id.encode())
        for start in (own_trash, b""):
            for path, entry in self.tree.walk(start):
                if entry.inode() != row.inode:
                    continue
                found = self.tree.status_or_none(path)
                if found is not None and row.is_same_file(found):
                    origin_id = row.origin_id if start else None
                    with self.index.transaction():
                        self.index.relocate(row, path, origin_id=origin_id)
                    moved = self.index.get(row.id)
                    assert moved is not None
                    return moved, path, found
        raise EntryNotFoundError("the file is no longer there")

    def _identify(self, path: bytes, found: os.stat_result) -> Row:
        """The row of what lies at `path`, made where it has none. Within a transaction."""
        entry_id: str
        row = self.index.at(path)
        if row is None:
            row = next((known for known in self.index.by_inode(found.st_ino) if self._came_from(known, found)), None)
            if row is None:
                entry_id = new_entry_id()
                self.index.put(entry_id, path, found)
            else:
                entry_id = row.id
                self.index.relocate(row, path)
        else:
            entry_id = row.id
            if not row.is_same_file(found):
                self.index.refresh(row, found)
        known = self.index.get(entry_id)
        assert known is not None
        return known

    def _came_from(self, row: Row, found: os.stat_result) -> bool:
        if not row.is_same_file(found) or self.tree.status_or_none(partial_path(row.id)) is not None:
            return False
        there = self.tree.status_or_none(row.path) if row.path is not None else None
        return there is None or there.st_ino != found.st_ino

    def _parent_id(self, path: bytes) -> EntryId | None:
        if not path:
            return None
        parent = parent_of(path)
        if not parent or path.startswith(TRASH + b"/"):
            return ROOT_ID
        with self.index.transaction():
            return EntryId(self._identify(parent, self.tree.status(parent)).id)

    # -- telling ---------------------------------------------------------------------------------------------------------

    def root(self) -> Entry:
        """The root."""
        return self._entry(None, b"", self.tree.status(b""), None)

    def stat(self, entry_id: str) -> Entry:
        """See the port."""
        row, path, found = self.find(entry_id)
        if row is not None and not row.is_folder and row.sha256 is None and found.st_size <= _SUM_AT_ONCE_BYTES:
            row = self._summed(row, path)
        is_nested = not is_trash_top(path) and is_trashed(path)
        parent_id = EntryId(row.origin_id) if row and row.origin_id else self._parent_id(path)
        if is_nested:
            with self.index.transaction():
                parent_id = EntryId(self._identify(parent_of(path), self.tree.status(parent_of(path))).id)
        return self._entry(row, path, found, parent_id)

    def _summed(self, row: Row, path: bytes) -> Row:
        opened = self.tree.open_file(path, os.O_RDONLY)
        try:
            digest = sha256_of(opened)
            measured = os.fstat(opened)
        finally:
            os.close(opened)
        with self.index.transaction():
            self.index.set_sha256(row.id, measured, digest)
        return self.index.get(row.id) or row

    def children(self, folder_id: str, cursor: Cursor | None, limit: int, order: Order) -> Page:
        """See the port."""
        folder = self.find_folder(folder_id)
        if is_trashed(folder):
            return Page((), None)
        weigh = listing.weigher(order)
        seen = (
            listing.Seen(os.fsencode(entry.name), entry.name, entry.is_dir(follow_symlinks=False), weigh(entry))
            for entry in self.tree.scan(folder)
        )
        shown, next_cursor = listing.page(seen, f"{order.value} {folder_id}", cursor, limit)
        paths = [join(folder, seen.path) for seen in shown]
        return Page(tuple(self.entries(paths, EntryId(folder_id))), next_cursor)

    def entries(self, paths: list[bytes], parent_id: EntryId | None = None) -> list[Entry]:
        """What lies at these paths, in `parent_id` where that is one for all; what has gone meanwhile is left out."""
        entries = []
        with self.index.transaction():
            for path in paths:
                found = self.tree.status_or_none(path)
                if found is None:
                    continue
                row = self._identify(path, found)
                parent = parent_of(path)
                known_parent = parent_id or (
                    EntryId(self._identify(parent, self.tree.status(parent)).id) if parent else ROOT_ID
                )
                entries.append(self._entry(row, path, found, known_parent))
        return entries

    def _entry(self, row: Row | None, path: bytes, found: os.stat_result, parent_id: EntryId | None) -> Entry:
        is_folder = stat.S_ISDIR(found.st_mode)
        name = name_of(path).decode(errors="replace") if path else self._root.resolve().name
        mime_type = (row.mime_type if row else None) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Entry(
            id=EntryId(row.id) if row else ROOT_ID,
            name=name,
            parent_id=parent_id,
            is_folder=is_folder,
            size_bytes=None if is_folder else found.st_size,
            mime_type=FOLDER_MIME_TYPE if is_folder else mime_type,
            modified_at=dt.datetime.fromtimestamp(found.st_mtime_ns // 1000 / 1e6, dt.UTC),
            checksum=Checksum(ChecksumKind.SHA256, row.sha256) if row and row.sha256 and not is_folder else None,
            is_trashed=is_trashed(path),
            is_starred=row is not None and self.index.is_starred(row.id),
        )

    def quota(self) -> Quota:
        """What lies on this disk, also of others, and what a file may still take."""
        usage = shutil.disk_usage(self._root)
        return Quota(used_bytes=usage.total - usage.free, limit_bytes=usage.total)

    def open(self, entry_id: str) -> int:
        """A descriptor of the file's bytes."""
        _, path, found = self.find(entry_id)
        if stat.S_ISDIR(found.st_mode):
            raise DriveForbiddenError("a folder has no bytes")
        return self.tree.open_file(path, os.O_RDONLY)

    # -- changing --------------------------------------------------------------------------------------------------------

    def make_folder(self, parent_id: str, name: str) -> Entry:
        """See the port."""
        parent = self.find_folder(parent_id)
        for path in free_paths(parent, name):
            with contextlib.suppress(FileExistsError):
                self.tree.make_folder(path)
                found = self.tree.status(path)
                with self.index.transaction():
                    row = self._identify(path, found)
                return self._entry(row, path, found, EntryId(parent_id))
        raise NameInvalidError("every number of this name is taken")

    def rename(self, entry_id: str, name: str) -> Entry:
        """See the port."""
        row, path, _ = self._find_movable(entry_id)
        if safe_name(name, fallback="file").encode() != name_of(path):
            self._put(row, path, parent_of(path), name)
        return self.stat(entry_id)

    def move(self, entry_id: str, parent_id: str) -> Entry:
        """See the port."""
        row, path, _ = self._find_movable(entry_id)
        parent = self.find_folder(parent_id)
        if parent != parent_of(path):
            self._put(row, path, parent, os.fsdecode(name_of(path)))
        return self.stat(entry_id)

    def delete(self, entry_id: str) -> None:
        """See the port."""
        try:
            row, path, _ = self.find(entry_id)
        except EntryNotFoundError:
            return
        if row is None:
            raise DriveForbiddenError("the root stays")
        if is_trashed(path):
            return
        origin_id = self._parent_id(path)
        own_trash = join(TRASH, row.id.encode())
        with contextlib.suppress(FileExistsError):
            self.tree.make_folder(own_trash, mode=0o700)
        self._put(row, path, own_trash, os.fsdecode(name_of(path)), origin_id=origin_id)

    def restore(self, entry_id: str) -> Entry:
        """See the port."""
        row, path, _ = self.find(entry_id)
        if row is not None and is_trashed(path):
            try:
                parent = self.find_folder(row.origin_id or ROOT_ID)
            except EntryNotFoundError:
                parent = b""
            self._put(row, path, b"" if is_trashed(parent) else parent, os.fsdecode(name_of(path)))
            self.tree.remove_empty_folder(join(TRASH, row.id.encode()))
        return self.stat(entry_id)

    def _find_movable(self, entry_id: str) -> tuple[Row, bytes, os.stat_result]:
        row, path, found = self.find(entry_id)
        if row is None:
            raise DriveForbiddenError("the root stays")
        return row, path, found

    def _put(self, row: Row, path: bytes, folder: bytes, name: str, *, origin_id: str | None = None) -> None:
        # A name that was there already is taken as it is: making it safe is for names that come from outside.
        is_as_it_was = os.fsencode(name) == name_of(path)
        for target in free_paths(folder, name, is_trusted=is_as_it_was):
            with contextlib.suppress(FileExistsError), self.index.transaction():
                self.index.relocate(row, target, origin_id=origin_id)
                self.tree.move(path, target)
                return
        raise NameInvalidError("every number of this name is taken")


def free_paths(folder: bytes, name: str, *, is_trusted: bool = False) -> Iterator[bytes]:
    """`name`, `name (2)`, … in `folder`: the caller takes the first at which nothing lies."""
    name = name if is_trusted else safe_name(name, fallback="file")
    yield join(folder, os.fsencode(name))
    readable = safe_name(os.fsencode(name).decode(errors="replace"), fallback="file")
    for number in range(2, 100_000):
        yield join(folder, numbered(readable, number).encode())


def partial_path(entry_id: str) -> bytes:
    """Where an unfinished upload's bytes lie."""
    return join(UPLOADS, entry_id.encode())


def is_trashed(path: bytes) -> bool:
    """Does the path lie in the trash?"""
    return path.startswith(TRASH + b"/")


def is_trash_top(path: bytes) -> bool:
    """Was the entry at this path itself put into the trash, rather than a folder that it is in?"""
    return is_trashed(path) and path.count(b"/") == TRASH.count(b"/") + 2


def new_entry_id() -> EntryId:
    """Never used before."""
    return EntryId(os.urandom(12).hex())


def sha256_of(opened: int, limit_bytes: int | None = None) -> str:
    """The digest of an open file, or of its first bytes."""
    return hash_prefix(opened, limit_bytes).hexdigest()


def hash_prefix(opened: int, limit_bytes: int | None = None) -> hashlib._Hash:
    """As `sha256_of`, to go on from."""
    digest = hashlib.sha256()
    offset = 0
    while limit_bytes is None or offset < limit_bytes:
        wanted = _PIECE_BYTES if limit_bytes is None else min(_PIECE_BYTES, limit_bytes - offset)
        piece = os.pread(opened, wanted, offset)
        if not piece:
            break
        digest.update(piece)
        offset += len(piece)
    return digest
