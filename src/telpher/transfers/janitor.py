"""At start, removes from the spool what belongs to no unfinished transfer."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

from telpher.transfers.port import TransferId

_log = logging.getLogger(__name__)


def spool_path(directory: Path, transfer_id: TransferId) -> Path:
    """Where a transfer's bytes lie; nothing of a name that somebody chose."""
    return directory / f"{hashlib.blake2s(transfer_id.encode(), digest_size=16).hexdigest()}.part"


def sweep(directory: Path, unfinished: Iterable[TransferId]) -> dict[TransferId, int]:
    """Make the directory, remove strays, and tell how many bytes lie there of each unfinished transfer. Blocking."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    owners = {spool_path(directory, transfer_id).name: transfer_id for transfer_id in unfinished}
    kept: dict[TransferId, int] = {}
    for path in directory.iterdir():
        owner = owners.get(path.name)
        if owner is not None:
            kept[owner] = path.stat().st_size
        elif path.is_file() or path.is_symlink():
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            _log.info("removed %s, which belonged to no transfer, from the spool", path.name)
    return kept
