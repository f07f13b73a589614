"""The keys that what people grant is encrypted with: from the service manager, or a file that only we may read.

A key file holds one Fernet key a line (https://github.com/fernet/spec). The first encrypts, all decrypt: to rotate, a new key is put
on top, and the old one removed after `Vault.rotate`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet

from telpher.errors import SettingsInvalidError

KEY_FILE = "vault.key"
CREDENTIAL = "vault_key"


def open_keys(data_dir: Path, environ: Mapping[str, str] | None = None) -> MultiFernet:
    """The service manager's credential `vault_key` where there is one (https://systemd.io/CREDENTIALS/), then `vault.key` in `data_dir`.

    Without either the file is made, mode 0600. Blocking. Raises SettingsInvalidError when a key is damaged or others may read the file.
    """
    directory = (os.environ if environ is None else environ).get("CREDENTIALS_DIRECTORY")
    credential = Path(directory) / CREDENTIAL if directory else None
    lines = credential.read_text().split() if credential and credential.is_file() else []
    file = data_dir / KEY_FILE
    if file.exists():
        _check_mode(file)
        lines += file.read_text().split()
    elif not lines:
        lines = [_make(file)]
    try:
        return MultiFernet([Fernet(line) for line in lines])
    except ValueError:
        # No cause: its text could show a part of the key.
        raise SettingsInvalidError(
            f"{file if file.exists() else credential} is damaged: each of its lines should be a Fernet key"
        ) from None


def add_key(data_dir: Path) -> None:
    """Put a new key on top of the file; what the file held still decrypts. Without a file nothing happens. Blocking."""
    file = data_dir / KEY_FILE
    if file.exists():
        _check_mode(file)
        _replace(file, [Fernet.generate_key().decode(), *file.read_text().split()])


def forget_old_keys(data_dir: Path) -> None:
    """Keep only the first key of the file. Blocking."""
    file = data_dir / KEY_FILE
    if file.exists():
        _replace(file, file.read_text().split()[:1])


@contextlib.contextmanager
def held_alone(data_dir: Path) -> Iterator[None]:
    """While nobody serves from this directory: who does holds the keys in memory. Raises SettingsInvalidError."""
    with (data_dir / "telpher.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsInvalidError(f"a Telpher is running on {data_dir}: stop it first") from None
        yield


def _replace(file: Path, keys: list[str]) -> None:
    with _draft(file, keys) as draft:
        draft.replace(file)


@contextlib.contextmanager
def _draft(file: Path, keys: list[str]) -> Iterator[Path]:
    """These keys on the disk, beside `file`; what is left of the draft goes, also after a fault."""
    draft = file.with_name(f".{KEY_FILE}.{os.getpid()}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(opened, "w") as writing:
            writing.write("\n".join(keys) + "\n")
            writing.flush()
            os.fsync(writing.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _check_mode(file: Path) -> None:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise SettingsInvalidError(f"others may read {file}: run chmod 600 {file}")


def _make(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    key = Fernet.generate_key().decode()
    # Written aside and linked into place, so that of two that start together both use one key, and neither sees half of it.
    with _draft(file, [key]) as draft, contextlib.suppress(FileExistsError):
        os.link(draft, file)
    return file.read_text().split()[0]
