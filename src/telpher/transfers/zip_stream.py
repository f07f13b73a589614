"""A zip archive made as it is read: entries stored as they are, its exact size known before the first byte, memory that does not grow.

The format is PKWARE's APPNOTE 6.3.10 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT): UTF-8 names, the sums of each entry
after its bytes (4.3.9), ZIP64 where a number needs it (4.5.3). Libraries that stream either need each entry's CRC beforehand or cannot say
how large the whole will be, which Telegram has to be told first.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from telpher.drives.port import Checksum
from telpher.errors import ContentChangedError
from telpher.transfers.hashing import Digest

OpenContent = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_SUMS: Final = struct.Struct("<4s3L")
_SUMS_64: Final = struct.Struct("<4sL2Q")
_TIME: Final = struct.Struct("<2HBl")

_HAS_SUMS_BEHIND, _IS_UTF_8 = 1 << 3, 1 << 11
_STORED = 0
_VERSION, _VERSION_64 = 20, 45
_MADE_ON_UNIX = 3 << 8
_FILE_MODE, _FOLDER_MODE = 0o100644 << 16, (0o40755 << 16) | 0x10
_ZIP64, _TIMES = 0x0001, 0x5455
_NO_16, _NO_32 = 0xFFFF, 0xFFFFFFFF
_CENTRAL_PIECE_BYTES = 64 << 10


@dataclasses.dataclass(frozen=True)
class Member:
    """One entry. `path` is safe and unique, its parts divided by `/`; a folder's has no `content`."""

    path: str
    modified_at: dt.datetime
    size_bytes: int = 0
    content: OpenContent | None = None
    checksum: Checksum | None = None
    """What the bytes must come to; None where nobody knows."""

    @property
    def name(self) -> bytes:
        return (self.path if self.content is not None else f"{self.path}/").encode()


@dataclasses.dataclass(frozen=True)
class ZipLayout:
    """Where the format changes to larger numbers; only tests choose others."""

    bytes_limit: int = _NO_32
    members_limit: int = _NO_16

    def size_of(self, members: Sequence[Member]) -> int:
        """The archive's exact size in bytes."""
        offset = central = 0
        for member in members:
            central += len(self._central(member, offset, 0))
            offset += len(self._local(member)) + member.size_bytes + len(self._sums(member, 0))
        return offset + central + len(self._end(len(members), offset, central))

    async def chunks(self, members: Sequence[Member]) -> AsyncIterator[bytes]:
        """The archive. Raises ContentChangedError when an entry's bytes are not what was told of them, and what its content raises."""
        placed: list[tuple[int, int]] = []
        offset = 0
        for member in members:
            yield (head := self._local(member))
            crc = 0
            if member.content is not None:
                checked = _Checked(member)
                async with member.content() as content:
                    async for piece in content:
                        checked.update(piece)
                        yield piece
                crc = checked.finish()
            if tail := self._sums(member, crc):
                yield tail
            placed.append((offset, crc))
            offset += len(head) + member.size_bytes + len(tail)
        central = 0
        for piece in self._directory(members, placed):
            central += len(piece)
            yield piece
        yield self._end(len(members), offset, central)

    def _directory(self, members: Sequence[Member], placed: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        held = b""
        for member, (offset, crc) in zip(members, placed, strict=True):
            held += self._central(member, offset, crc)
            if len(held) >= _CENTRAL_PIECE_BYTES:
                yield held
                held = b""
        if held:
            yield held

    def _is_large(self, size_bytes: int) -> bool:
        return size_bytes >= self.bytes_limit

    def _local(self, member: Member) -> bytes:
        is_large = self._is_large(member.size_bytes)
        name, extra = member.name, _time_extra(member.modified_at)
        if is_large:
            extra += struct.pack("<2H2Q", _ZIP64, 16, 0, 0)
        size = _NO_32 if is_large else 0
        version = _VERSION_64 if is_large else _VERSION
        return (
            _LOCAL.pack(
                b"PK\3\4", version, _flags(member), _STORED, *_dos_time(member.modified_at), 0, size, size, len(name),
                len(extra),
            )
            + name
            + extra
        )  # fmt: skip

    def _sums(self, member: Member, crc: int) -> bytes:
        if member.content is None:
            return b""
        layout = _SUMS_64 if self._is_large(member.size_bytes) else _SUMS
        return layout.pack(b"PK\7\10", crc, member.size_bytes, member.size_bytes)

    def _central(self, member: Member, offset: int, crc: int) -> bytes:
        large: list[int] = []
        size = member.size_bytes
        if self._is_large(size):
            large += [size, size]
            size = _NO_32
        if offset >= self.bytes_limit:
            large.append(offset)
            offset = _NO_32
        name, extra = member.name, _time_extra(member.modified_at)
        if large:
            extra += struct.pack(f"<2H{len(large)}Q", _ZIP64, 8 * len(large), *large)
        version = _VERSION_64 if large else _VERSION
        mode = _FILE_MODE if member.content is not None else _FOLDER_MODE
        return (
            _CENTRAL.pack(
                b"PK\1\2", _MADE_ON_UNIX | _VERSION_64, version, _flags(member), _STORED,
                *_dos_time(member.modified_at), crc, size, size, len(name), len(extra), 0, 0, 0, mode, offset,
            )
            + name
            + extra
        )  # fmt: skip

    def _end(self, count: int, offset: int, central: int) -> bytes:
        large = b""
        if count >= self.members_limit or offset >= self.bytes_limit or central >= self.bytes_limit:
            made_by = _MADE_ON_UNIX | _VERSION_64
            large = _END_64.pack(
                b"PK\6\6", _END_64.size - 12, made_by, _VERSION_64, 0, 0, count, count, central, offset
            ) + _LOCATOR.pack(b"PK\6\7", 0, offset + central, 1)
            count = _NO_16 if count >= self.members_limit else count
            offset = _NO_32 if offset >= self.bytes_limit else offset
            central = _NO_32 if central >= self.bytes_limit else central
        return large + _END.pack(b"PK\5\6", 0, 0, count, count, central, offset, 0)


class _Checked:
    """Counts and sums a member's bytes as they pass."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._crc = 0
        self._size_bytes = 0
        self._digest = Digest(member.checksum.kind) if member.checksum else None

    def update(self, piece: bytes) -> None:
        self._size_bytes += len(piece)
        if self._size_bytes > self._member.size_bytes:
            raise ContentChangedError("longer than it was")
        self._crc = zlib.crc32(piece, self._crc)
        if self._digest is not None:
            self._digest.update(piece)

    def finish(self) -> int:
        if self._size_bytes != self._member.size_bytes:
            raise ContentChangedError("shorter than it was")
        if self._digest is not None and self._digest.checksum() != self._member.checksum:
            raise ContentChangedError("another checksum than was told")
        return self._crc


def _flags(member: Member) -> int:
    return _IS_UTF_8 | (_HAS_SUMS_BEHIND if member.content is not None else 0)


def _time_extra(moment: dt.datetime) -> bytes:
    """The time in UTC, which the format's own field cannot say; at the same length in both places."""
    seconds = min(max(int(moment.timestamp()), -(1 << 31)), (1 << 31) - 1)
    return _TIME.pack(_TIMES, 5, 1, seconds)


def _dos_time(moment: dt.datetime) -> tuple[int, int]:
    """In this machine's zone, to two seconds, between 1980 and 2107."""
    local = moment.astimezone()
    if local.year < 1980:
        return 0, (1 << 5) | 1
    if local.year > 2107:
        return (23 << 11) | (59 << 5) | 29, (127 << 9) | (12 << 5) | 31
    time = (local.hour << 11) | (local.minute << 5) | (local.second // 2)
    return time, ((local.year - 1980) << 9) | (local.month << 5) | local.day
