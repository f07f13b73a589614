"""The methods of the Bot API that the sandbox carries out, by name; each file holds one group.

A method takes the world and its typed arguments and returns what `result` will hold, or raises ApiError.
"""

from __future__ import annotations

from telpher.sandbox.telegram.methods import answers, chats, editing, media, profile, receiving, sending
from telpher.sandbox.telegram.methods.port import Method

METHODS: dict[str, Method] = {
    **profile.METHODS,
    **receiving.METHODS,
    **sending.METHODS,
    **media.METHODS,
    **editing.METHODS,
    **answers.METHODS,
    **chats.METHODS,
}

__all__ = ["METHODS", "Method"]
