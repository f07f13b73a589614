"""What was asked of Telpher in a soak and what came back: what everything is judged by at the end."""

from __future__ import annotations

import collections
import dataclasses
import hashlib


@dataclasses.dataclass(frozen=True)
class Reply:
    """How long somebody waited for an answer."""

    kind: str
    asked_s: float
    took_s: float


@dataclasses.dataclass
class Account:
    """Shared by everyone who does something."""

    files: dict[tuple[int, int], tuple[str, str]] = dataclasses.field(default_factory=dict)
    """(Chat, message) → (name, MD5) of each file that somebody who is let in has sent; no name where Telpher gives one."""
    strangers_files: set[str] = dataclasses.field(default_factory=set)
    """MD5s of what strangers have sent."""
    written_names: set[str] = dataclasses.field(default_factory=set)
    """What somebody wrote that may have become a file's name."""
    replies: list[Reply] = dataclasses.field(default_factory=list)
    unanswered: list[tuple[str, float]] = dataclasses.field(default_factory=list)
    """What was not answered, and when it was asked (monotonic time)."""
    deeds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    walked: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    """How often each feature was gone through to its end."""
    cut_short: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    """How often its way ended before: nothing there to press, or another press of the same person came in between."""
    pressed: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    """Kinds of buttons, by their tag."""
    updates: int = 0
    """How much everybody has sent, pressed and typed: each is an update for the bot."""
    sent_by_bot: int = 0
    """How many files and pictures were asked for beyond what the queue knows of: /stats, /profile."""
    retries: int = 0
    logged_out: set[int] = dataclasses.field(default_factory=set)
    """Whose log-in was ended from outside, and who has not logged in again yet."""
    disconnected: set[int] = dataclasses.field(default_factory=set)
    """Who has taken a drive away that files may have been on their way to."""

    def add_file(self, chat_id: int, message_id: int, name: str, content: bytes) -> None:
        """Somebody who is let in has sent this."""
        self.files[chat_id, message_id] = (name, md5(content))


def md5(content: bytes) -> str:
    """As Google tells it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
