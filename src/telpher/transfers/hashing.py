"""A checksum that is computed as the bytes pass, and knows how far it is."""

from __future__ import annotations

import hashlib

from telpher.drives.port import Checksum, ChecksumKind


class Digest:
    """Of everything from the first byte to `position`. Updates of more than 2 KiB let other threads run meanwhile."""

    def __init__(self, kind: ChecksumKind) -> None:
        self._kind = kind
        self._hash = hashlib.new(kind.value, usedforsecurity=False)
        self.position = 0

    def update(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.position += len(piece)

    def checksum(self) -> Checksum:
        return Checksum(self._kind, self._hash.hexdigest())


def checksum_of(content: bytes, kind: ChecksumKind) -> Checksum:
    """Of what is all in memory."""
    digest = Digest(kind)
    digest.update(content)
    return digest.checksum()
