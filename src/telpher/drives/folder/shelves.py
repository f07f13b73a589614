"""What a folder drive finds wherever it lies: by name, by a star, by its time.

Each page looks through the whole tree and keeps its few best, so memory does not grow with the tree.
"""

from __future__ import annotations

import contextlib
import mimetypes
import os
from collections.abc import Iterator

from telpher.drives.folder import listing
from telpher.drives.folder.cabinet import Cabinet, is_trashed
from telpher.drives.folder.tree import name_of
from telpher.drives.kinds import kind_of
from telpher.drives.port import Cursor, Entry, EntryId, EntryKind, Page, SearchFilter
from telpher.errors import DriveForbiddenError, EntryNotFoundError


def search(cabinet: Cabinet, words: str, narrow: SearchFilter, cursor: Cursor | None, limit: int) -> Page:
    """By name: every word is in it, in any order."""
    wanted = [word.casefold() for word in words.split()]
    since = narrow.changed_since.isoformat() if narrow.changed_since else ""
    name = f"search {narrow.kind or ''} {since} {' '.join(wanted)}"
    return _page(cabinet, _matching(cabinet, wanted, narrow) if wanted else iter(()), name, cursor, limit)


def recent(cabinet: Cabinet, cursor: Cursor | None, limit: int) -> Page:
    """Files, the last changed first."""
    return _page(cabinet, _files(cabinet), "recent", cursor, limit)


def starred(cabinet: Cabinet, cursor: Cursor | None, limit: int) -> Page:
    """What is marked, folders first, by name."""
    return _page(cabinet, _marked(cabinet), "starred", cursor, limit)


def set_starred(cabinet: Cabinet, entry_id: EntryId, *, is_starred: bool) -> Entry:
    """Mark it or take the mark off."""
    row, _, _ = cabinet.find(entry_id)
    if row is None:
        raise DriveForbiddenError("the root carries no mark")
    with cabinet.index.transaction():
        cabinet.index.set_starred(entry_id, is_starred=is_starred)
    return cabinet.stat(entry_id)


def _page(cabinet: Cabinet, seen: Iterator[listing.Seen], name: str, cursor: Cursor | None, limit: int) -> Page:
    shown, next_cursor = listing.page(seen, name, cursor, limit)
    return Page(tuple(cabinet.entries([one.path for one in shown])), next_cursor)


def _files(cabinet: Cabinet) -> Iterator[listing.Seen]:
    for path, entry in cabinet.tree.walk():
        if not entry.is_dir(follow_symlinks=False) and (changed_ns := _changed_ns(entry)) is not None:
            yield listing.Seen(path, entry.name, is_folder=False, weight=-changed_ns)


def _changed_ns(entry: os.DirEntry[str]) -> int | None:
    """None for what has gone since it was listed."""
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns
    except FileNotFoundError:
        return None


def _matching(cabinet: Cabinet, wanted: list[str], narrow: SearchFilter) -> Iterator[listing.Seen]:
    since_ns = int(narrow.changed_since.timestamp() * 1e9) if narrow.changed_since else None
    for path, entry in cabinet.tree.walk():
        name = entry.name.casefold()
        if not all(word in name for word in wanted):
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        if narrow.kind is not None and narrow.kind is not _kind(cabinet, path, entry.name, is_folder=is_folder):
            continue
        if since_ns is not None and ((changed_ns := _changed_ns(entry)) is None or changed_ns < since_ns):
            continue
        yield listing.Seen(path, entry.name, is_folder, 0)


def _kind(cabinet: Cabinet, path: bytes, name: str, *, is_folder: bool) -> EntryKind | None:
    if is_folder:
        return EntryKind.FOLDER
    guessed = mimetypes.guess_type(name)[0]
    if guessed is None:
        # The index is slower than the name: asked only where the name says nothing.
        row = cabinet.index.at(path)
        guessed = row.mime_type if row is not None else None
    return kind_of(guessed or "")


def _marked(cabinet: Cabinet) -> Iterator[listing.Seen]:
    for entry_id in cabinet.index.starred():
        with contextlib.suppress(EntryNotFoundError):
            row, path, _ = cabinet.find(entry_id)
            if row is not None and not is_trashed(path):
                yield listing.Seen(path, os.fsdecode(name_of(path)), row.is_folder, 0)
