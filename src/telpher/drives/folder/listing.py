"""Pages of a listing in memory that depends on the page alone: each page looks through the whole folder and keeps its few best.

A cursor is the sort key of the last entry shown, so it stays right while entries come and go, and needs nothing remembered.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import json
import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from telpher.drives.names import natural_key
from telpher.drives.port import Cursor, Order
from telpher.errors import StaleButtonError


class Seen(NamedTuple):
    """An entry met while looking through."""

    path: bytes
    name: str
    is_folder: bool
    weight: int
    """What it is sorted by before its name, smallest first."""


Key = tuple[bool, int, tuple[str | int, ...], bytes]


def _key(seen: Seen) -> Key:
    return (not seen.is_folder, seen.weight, natural_key(seen.name), seen.path)


def weigher(order: Order) -> Callable[[os.DirEntry[str]], int]:
    """What an entry weighs under `order`."""
    if order is Order.NEWEST:
        return lambda entry: -entry.stat(follow_symlinks=False).st_mtime_ns
    if order is Order.LARGEST:
        return lambda entry: 0 if entry.is_dir(follow_symlinks=False) else -entry.stat(follow_symlinks=False).st_size
    return lambda _: 0


def page(entries: Iterable[Seen], listing: str, cursor: Cursor | None, limit: int) -> tuple[list[Seen], Cursor | None]:
    """The next `limit` entries after `cursor`, and where to go on.

    `listing` names what is listed and how; a cursor of another one raises StaleButtonError.
    """
    after = _key(_read(cursor, listing)) if cursor else None
    keyed = ((_key(seen), seen) for seen in entries)
    wanted = keyed if after is None else (pair for pair in keyed if pair[0] > after)
    best = [seen for _, seen in heapq.nsmallest(limit + 1, wanted)]
    shown = best[:limit]
    return shown, _write(shown[-1], listing) if len(best) > limit else None


def _write(last: Seen, listing: str) -> Cursor:
    words = [listing, os.fsdecode(last.path), last.name, last.is_folder, last.weight]
    return Cursor(base64.urlsafe_b64encode(json.dumps(words).encode()).decode())


def _read(cursor: Cursor, listing: str) -> Seen:
    try:
        of, path, name, is_folder, weight = json.loads(base64.urlsafe_b64decode(cursor))
        seen = Seen(os.fsencode(path), str(name), bool(is_folder), int(weight))
    except (binascii.Error, ValueError, TypeError):
        raise StaleButtonError("this is no cursor of a folder") from None
    if of != listing:
        raise StaleButtonError("the cursor belongs to another listing")
    return seen
