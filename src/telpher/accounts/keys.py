"""The keys that what people grant is encrypted with: from the service manager, or a file that only we may read.

A key file holds one Fernet key a line (https://github.com/fernet/spec). The first encrypts, all decrypt: to rotate, put a new key
on top, and remove the old one after `Vault.rotate`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
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


def _check_mode(file: Path) -> None:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise SettingsInvalidError(f"others may read {file}: run chmod 600 {file}")


def _make(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    key = Fernet.generate_key().decode()
    # Written aside and linked into place, so that of two that start together both use one key, and neither sees half of it.
    draft = file.with_name(f".{KEY_FILE}.{os.getpid()}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(opened, "w") as writing:
            writing.write(key + "\n")
            writing.flush()
            os.fsync(writing.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
    return file.read_text().split()[0]
