"""What the readers of HTML and Markdown share: the growing plain text with its entities, and the way they refuse."""

from __future__ import annotations

from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.utf16 import utf16_len


class MarkupError(ValueError):
    """The markup is broken; the text is Telegram's, without its prefix."""


class Writing:
    """Plain text under way, measured in UTF-16 units."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.length = 0
        self.entities: list[Json] = []

    def add(self, text: str) -> None:
        """Append plain text."""
        self._parts.append(text)
        self.length += utf16_len(text)

    def since(self, part_index: int) -> str:
        """The plain text written since `mark` answered this index."""
        return "".join(self._parts[part_index:])

    def mark(self) -> int:
        """Where the text stands now, for `since`."""
        return len(self._parts)

    def close_entity(self, kind: str, offset: int, **fields: object) -> None:
        """Note an entity from `offset` to here; an empty one leaves no trace."""
        if self.length > offset:
            self.entities.append({"offset": offset, "length": self.length - offset, "type": kind, **fields})

    def result(self) -> tuple[str, list[Json]]:
        """The text and its entities in Telegram's order: outer before inner."""
        ordered = sorted(self.entities, key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self._parts), ordered


def byte_offset(text: str, position: int) -> int:
    """Telegram points at errors by byte, in UTF-8."""
    return len(text[:position].encode())
