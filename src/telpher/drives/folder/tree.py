"""The file system below one directory: nothing leaves it, nothing is overwritten, symbolic links are not there.

Paths are bytes relative to the root (`b""` is the root itself) and are walked component by component with O_NOFOLLOW, so neither a
`..` nor a link that somebody puts in place meanwhile leads outside. Blocking; errors are OSErrors.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

PRIVATE = b".telpher"
"""Our own folder in the root, on the same file system, so that what is complete is put in its place by one rename."""

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RENAME_NOREPLACE = 1
# A file system or kernel that does not know RENAME_NOREPLACE: https://man7.org/linux/man-pages/man2/rename.2.html
_NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


def parent_of(path: bytes) -> bytes:
    """The folder of `path`."""
    return path.rpartition(b"/")[0]


def name_of(path: bytes) -> bytes:
    """The last component of `path`."""
    return path.rpartition(b"/")[2]


def join(folder: bytes, name: bytes) -> bytes:
    """`name` in `folder`."""
    return folder + b"/" + name if folder else name


class Tree:
    """An open root directory (made where it is missing)."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for folder in (PRIVATE, PRIVATE + b"/uploads", PRIVATE + b"/trash"):
            with contextlib.suppress(FileExistsError):
                self.make_folder(folder, mode=0o700)

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._root)

    @contextlib.contextmanager
    def folder(self, path: bytes) -> Iterator[int]:
        """A descriptor of the folder at `path`."""
        held = os.dup(self._root)
        try:
            for name in path.split(b"/") if path else ():
                if name in {b"", b".", b".."}:
                    raise FileNotFoundError(errno.ENOENT, "not a path below the root")
                below = os.open(name, _OPEN_FOLDER, dir_fd=held)
                os.close(held)
                held = below
            yield held
        finally:
            os.close(held)

    def status(self, path: bytes) -> os.stat_result:
        """Of a file or folder; whatever else lies there (links, devices, …) is not found."""
        if not path:
            return os.fstat(self._root)
        with self.folder(parent_of(path)) as parent:
            found = os.stat(name_of(path), dir_fd=parent, follow_symlinks=False)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise FileNotFoundError(errno.ENOENT, "neither a file nor a folder")
        return found

    def status_or_none(self, path: bytes) -> os.stat_result | None:
        """None where nothing lies at `path`."""
        try:
            return self.status(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open_file(self, path: bytes, flags: int) -> int:
        """A descriptor of the regular file at `path`."""
        with self.folder(parent_of(path)) as parent:
            # O_NONBLOCK: opening a pipe that somebody put there must not wait for its other end.
            opened = os.open(
                name_of(path), flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, mode=0o644, dir_fd=parent
            )
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise FileNotFoundError(errno.ENOENT, "not a file")
        return opened

    def scan(self, path: bytes) -> Iterator[os.DirEntry[str]]:
        """The files and folders in the folder at `path`, in no order. Each is only good until the next."""
        with self.folder(path) as opened, os.scandir(opened) as entries:
            for entry in entries:
                if not path and os.fsencode(entry.name) == PRIVATE:
                    continue
                if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
                    yield entry

    def walk(self, path: bytes = b"") -> Iterator[tuple[bytes, os.DirEntry[str]]]:
        """Everything below `path`, each with its path. Folders that vanish or cannot be read are passed over."""
        pending = [path]
        while pending:
            folder = pending.pop()
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                for entry in self.scan(folder):
                    found = join(folder, os.fsencode(entry.name))
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(found)
                    yield found, entry

    def make_folder(self, path: bytes, *, mode: int = 0o755) -> None:
        """Raises FileExistsError where something lies at `path`."""
        with self.folder(parent_of(path)) as parent:
            os.mkdir(name_of(path), mode, dir_fd=parent)
            os.fsync(parent)

    def remove_file(self, path: bytes) -> None:
        """No error if it is gone already."""
        with contextlib.suppress(FileNotFoundError), self.folder(parent_of(path)) as parent:
            os.unlink(name_of(path), dir_fd=parent)

    def remove_empty_folder(self, path: bytes) -> None:
        """No error if it is gone already or holds something."""
        with contextlib.suppress(OSError), self.folder(parent_of(path)) as parent:
            os.rmdir(name_of(path), dir_fd=parent)

    def move(self, source: bytes, target: bytes) -> None:
        """Move a file or folder in one step that survives a power loss. Raises FileExistsError where something lies at `target`."""
        with self.folder(parent_of(source)) as source_folder, self.folder(parent_of(target)) as target_folder:
            if not _rename_no_replace(source_folder, name_of(source), target_folder, name_of(target)):
                self._move_by_link(source, target, source_folder, target_folder)
            os.fsync(target_folder)
            os.fsync(source_folder)

    def _move_by_link(self, source: bytes, target: bytes, source_folder: int, target_folder: int) -> None:
        if stat.S_ISREG(self.status(source).st_mode):
            os.link(
                name_of(source),
                name_of(target),
                src_dir_fd=source_folder,
                dst_dir_fd=target_folder,
                follow_symlinks=False,
            )
            os.unlink(name_of(source), dir_fd=source_folder)
            return
        if self.status_or_none(target) is not None:
            raise FileExistsError(errno.EEXIST, "there already")
        # A rename replaces nothing but an empty folder that appeared this instant.
        os.rename(name_of(source), name_of(target), src_dir_fd=source_folder, dst_dir_fd=target_folder)


def _rename_no_replace(source_folder: int, source: bytes, target_folder: int, target: bytes) -> bool:
    """False where the system does not offer it."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(source_folder, source, target_folder, target, _RENAME_NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_OFFERED:
        return False
    raise OSError(code, os.strerror(code))
