"""A drive and a source in memory that fail where they are told to, and remember what was asked of them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import enum
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from telpher.drives.port import (
    Capability,
    Checksum,
    ChecksumKind,
    Cursor,
    Entry,
    EntryId,
    Order,
    Page,
    UploadSession,
    UploadSpec,
)
from telpher.errors import (
    DriveBusyError,
    DriveUnreachableError,
    EntryExistsError,
    EntryNotFoundError,
    SessionGoneError,
    SourceBusyError,
    SourceGoneError,
    SourceUnreachableError,
)

HOME = EntryId("home")


class Fault(enum.Enum):
    """What goes wrong with one call."""

    NONE = "none"
    BEFORE = "before"
    """The connection breaks before anything has happened."""
    AFTER = "after"
    """It happens, but the answer is lost."""
    PART = "part"
    """The connection breaks when half of the bytes have come."""
    SHORT = "short"
    """The drive takes half of what it is sent and says so (308)."""
    EXPIRE = "expire"
    """All sessions have expired."""
    BUSY = "busy"
    DAMAGE = "damage"
    """What is stored is not what was sent."""
    LATE = "late"
    """The connection breaks when all has been sent, and it is done only after the drive has been asked for something else."""


class Script:
    """The faults to come, one for each call; none when it has run out. `on_call` hears of each call first."""

    def __init__(self) -> None:
        self.faults: Iterator[Fault] = iter(())
        self.on_call: Callable[[str], None] = lambda _: None
        self.calls: list[str] = []

    def next(self, call: str) -> Fault:
        self.calls.append(call)
        self.on_call(call)
        fault = next(self.faults, Fault.NONE)
        if fault is Fault.BEFORE:
            raise DriveUnreachableError(f"{call}: broken off")
        if fault is Fault.BUSY:
            raise DriveBusyError(f"{call}: slow down")
        return fault


@dataclasses.dataclass
class _Partial:
    spec: UploadSpec
    content: bytearray
    landed: EntryId | None = None


class ModelDrive:
    """A `drives.port.Drive`, as far as transfers use one."""

    name = "model"
    checksum_kind = ChecksumKind.MD5

    def __init__(self, *, has_ids: bool = True) -> None:
        self.capabilities = frozenset({Capability.IDS_BEFORE_CREATE, Capability.TRASH} if has_ids else ())
        self.script = Script()
        self.entries: dict[EntryId, tuple[Entry, bytes]] = {}
        self.sessions: dict[str, _Partial] = {}
        self.taken_bytes = 0
        """All that ever came over the line and was kept."""
        self._numbers = itertools.count(1)
        self._deleted: set[EntryId] = set()
        self._late: list[tuple[UploadSpec, bytes]] = []

    def delete_all_for_good(self) -> None:
        """As a person may in the drive itself: entries and sessions are gone, their ids stay taken."""
        self._deleted |= self.entries.keys()
        self.entries.clear()
        self.sessions.clear()

    def alive(self) -> list[Entry]:
        return [entry for entry, _ in self.entries.values() if not entry.is_trashed]

    def content(self, entry_id: EntryId) -> bytes:
        return self.entries[entry_id][1]

    async def root(self) -> Entry:
        return await self.home()

    async def start(self) -> Entry:
        return await self.home()

    async def home(self) -> Entry:
        return Entry(
            id=HOME,
            name="Telpher",
            parent_id=None,
            is_folder=True,
            size_bytes=None,
            mime_type="folder",
            modified_at=dt.datetime.now(dt.UTC),
        )

    async def new_id(self) -> EntryId:
        return EntryId(f"id-{next(self._numbers)}")

    async def stat(self, entry_id: EntryId) -> Entry:
        self.script.next("stat")
        try:
            if entry_id not in self.entries:
                raise EntryNotFoundError(entry_id)
            return self.entries[entry_id][0]
        finally:
            for spec, content in self._late:
                if spec.id not in self.entries and spec.id not in self._deleted:
                    self._store(spec, content, Fault.NONE)
            self._late.clear()

    async def delete(self, entry_id: EntryId) -> None:
        fault = self.script.next("delete")
        if entry_id in self.entries:
            entry, content = self.entries[entry_id]
            self.entries[entry_id] = (dataclasses.replace(entry, is_trashed=True), content)
        _lose(fault)

    async def upload_small(self, spec: UploadSpec, content: bytes) -> Entry:
        fault = self.script.next("upload_small")
        self._refuse_existing(spec)
        if fault is Fault.PART:
            raise DriveUnreachableError("broken off half-way")
        self.taken_bytes += len(content)
        if fault is Fault.LATE:
            self._late.append((spec, content))
            raise DriveUnreachableError("broken off when all was sent")
        entry = self._store(spec, content, fault)
        _lose(fault)
        return entry

    async def begin_upload(self, spec: UploadSpec) -> UploadSession:
        fault = self.script.next("begin")
        self._refuse_existing(spec)
        token = f"session-{next(self._numbers)}"
        self.sessions[token] = _Partial(spec, bytearray())
        _lose(fault)
        return _ModelSession(self, token)

    async def resume_upload(self, token: str, spec: UploadSpec) -> UploadSession:
        return _ModelSession(self, token)

    def _refuse_existing(self, spec: UploadSpec) -> None:
        if spec.id in self.entries or spec.id in self._deleted:
            raise EntryExistsError(spec.id)

    def _store(self, spec: UploadSpec, content: bytes, fault: Fault) -> Entry:
        if fault is Fault.DAMAGE and content:
            content = bytes([content[0] ^ 1]) + content[1:]
        entry = Entry(
            id=spec.id or EntryId(f"id-{next(self._numbers)}"),
            name=spec.name,
            parent_id=spec.parent_id,
            is_folder=False,
            size_bytes=len(content),
            mime_type=spec.mime_type,
            modified_at=dt.datetime.now(dt.UTC),
            checksum=Checksum(ChecksumKind.MD5, hashlib.md5(content).hexdigest()),
        )
        assert entry.id not in self.entries
        self.entries[entry.id] = (entry, content)
        return entry

    def partial(self, token: str) -> _Partial:
        if token not in self.sessions:
            raise SessionGoneError(token)
        return self.sessions[token]

    async def children(
        self, folder_id: EntryId, *, cursor: Cursor | None = None, limit: int = 100, order: Order = Order.NAME
    ) -> Page:
        return Page(tuple(self.alive()[:limit]), None)

    @contextlib.asynccontextmanager
    async def read(self, entry_id: EntryId, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            yield self.content(entry_id)[offset:]

        yield pieces()

    async def make_folder(self, parent_id: EntryId, name: str) -> Entry:
        return await self.home()

    async def rename(self, entry_id: EntryId, name: str) -> Entry:
        return await self.stat(entry_id)

    async def move(self, entry_id: EntryId, parent_id: EntryId) -> Entry:
        return await self.stat(entry_id)

    async def close(self) -> None:
        """Nothing is held."""


class _ModelSession:
    def __init__(self, drive: ModelDrive, token: str) -> None:
        self._drive = drive
        self.token = token

    async def received(self) -> int | Entry:
        fault = self._drive.script.next("received")
        if fault is Fault.EXPIRE:
            self._drive.sessions.clear()
        partial = self._drive.partial(self.token)
        _lose(fault)
        if partial.landed is not None:
            return self._drive.entries[partial.landed][0]
        return len(partial.content)

    async def send(self, chunks: AsyncIterator[bytes], offset: int) -> Entry | int:
        fault = self._drive.script.next("send")
        if fault is Fault.EXPIRE:
            self._drive.sessions.clear()
        partial = self._drive.partial(self.token)
        assert partial.landed is None
        assert offset == len(partial.content), "bytes were guessed"
        to_come = partial.spec.size_bytes - offset
        stop = offset + to_come // 2 if fault in {Fault.PART, Fault.SHORT} else partial.spec.size_bytes
        async for chunk in chunks:
            self._drive.script.on_call("chunk")
            taken = chunk[: stop - len(partial.content)]
            partial.content += taken
            self._drive.taken_bytes += len(taken)
            if len(taken) < len(chunk):
                break
        if fault is Fault.PART:
            raise DriveUnreachableError("broken off half-way")
        if len(partial.content) < partial.spec.size_bytes:
            if fault is not Fault.SHORT:
                raise DriveUnreachableError("the body ended early")
            return len(partial.content)
        assert len(partial.content) == partial.spec.size_bytes
        entry = self._drive._store(partial.spec, bytes(partial.content), fault)
        partial.landed = entry.id
        _lose(fault)
        return entry

    async def cancel(self) -> None:
        fault = self._drive.script.next("cancel")
        self._drive.sessions.pop(self.token, None)
        _lose(fault)


def _lose(fault: Fault) -> None:
    if fault is Fault.AFTER:
        raise DriveUnreachableError("the answer was lost")


class SourceFault(enum.Enum):
    """What goes wrong when a source is found or opened."""

    NONE = "none"
    AWAY = "away"
    BUSY = "busy"
    GONE = "gone"
    """Telegram knows the file no more: perhaps in the middle of its download."""


class ModelSource:
    """A `transfers.port.Source` and its opener. `cuts` are offsets at which the connection breaks, each once."""

    def __init__(self, content: bytes, *, told_size: int | None = -1, chunk_bytes: int = 700) -> None:
        self.content = content
        self.told_size = len(content) if told_size == -1 else told_size
        self.chunk_bytes = chunk_bytes
        self.cuts: list[int] = []
        self.honours_range = True
        self.is_gone = False
        self.faults: list[SourceFault] = []
        """One for each time that it is opened; none when they have run out."""
        self.path: Path | None = None
        self.is_disposed = False
        self.sent_bytes = 0
        self.on_call: Callable[[str], None] = lambda _: None

    async def __call__(self, source_ref: str) -> ModelSource:
        self.on_call("open_source")
        self._fail()
        return self

    def _fail(self) -> None:
        fault = self.faults.pop(0) if self.faults else SourceFault.NONE
        if self.is_gone or fault is SourceFault.GONE:
            raise SourceGoneError("send it again")
        if fault is SourceFault.BUSY:
            raise SourceBusyError("slow down")
        if fault is SourceFault.AWAY:
            raise SourceUnreachableError("no answer")

    @property
    def size_bytes(self) -> int | None:
        return self.told_size

    @property
    def local_path(self) -> Path | None:
        return self.path

    @contextlib.asynccontextmanager
    async def open(self, offset: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        self.on_call("open")
        self._fail()
        start = offset if self.honours_range else 0
        yield start, self._pieces(start)

    async def _pieces(self, start: int) -> AsyncIterator[bytes]:
        while start < len(self.content):
            stop = min(start + self.chunk_bytes, len(self.content))
            self.on_call("piece")
            for cut in self.cuts:
                if start <= cut < stop:
                    self.cuts.remove(cut)
                    self.sent_bytes += cut - start
                    yield self.content[start:cut]
                    raise SourceUnreachableError("broken off")
            self.sent_bytes += stop - start
            yield self.content[start:stop]
            start = stop

    async def dispose(self) -> None:
        self.is_disposed = True
        if self.path is not None:
            self.path.unlink(missing_ok=True)
