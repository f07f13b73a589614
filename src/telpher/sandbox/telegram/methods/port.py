"""What a method is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.world import World

Method = Callable[[World, Json], Any | Awaitable[Any]]


@dataclass(frozen=True)
class Described:
    """A result that the server explains in `description` (setWebhook and deleteWebhook do)."""

    result: Any
    description: str
