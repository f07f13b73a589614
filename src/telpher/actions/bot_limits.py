"""How much a Bot API server lets a bot fetch and send (https://core.telegram.org/bots/api#getfile, #senddocument)."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class BotLimits:
    """In bytes; None where there is no limit."""

    fetch_bytes: int | None
    send_bytes: int | None


PUBLIC_LIMITS = BotLimits(fetch_bytes=20 << 20, send_bytes=50 << 20)
LOCAL_LIMITS = BotLimits(fetch_bytes=None, send_bytes=2000 << 20)
"""A server run with `--local` (https://core.telegram.org/bots/api#using-a-local-bot-api-server)."""
