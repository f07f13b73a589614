"""A person at the keyboard: drives the sandbox's chat over HTTP as the chat page does, for scenario tests.

    async with Person(sandbox.url) as anna:                    # user 1001; Person.join(...) makes another one
        await anna.send_file(b"hello", name="note.txt")
        receipt = await anna.wait_for(has_text("verified"))    # over the event stream: no sleeping polls
        toast = await anna.press(receipt, "Get back")
        returned = await anna.wait_for(lambda m: "document" in m, after=receipt)
        assert await anna.download(returned) == b"hello"

Messages are the Bot API's Message objects as they came (dicts); `tests.driver.messages` reads them.
"""

from __future__ import annotations

from tests.driver.messages import buttons_of, find_button, has_text, is_from_bot, media_of, text_of
from tests.driver.person import ChatRefusedError, NothingCameError, Person, Toast

__all__ = [
    "ChatRefusedError",
    "NothingCameError",
    "Person",
    "Toast",
    "buttons_of",
    "find_button",
    "has_text",
    "is_from_bot",
    "media_of",
    "text_of",
]
