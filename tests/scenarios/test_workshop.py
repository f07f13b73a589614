"""The workshop by buttons: what is run, its picture, its long answers, what was run before, and whose it is. In both languages."""

from __future__ import annotations

import struct

from tests.driver import Person, has_text, media_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning


def is_photo(message: Message) -> bool:
    return "photo" in message


def photos(person: Person) -> list[Message]:
    return [message for message in person.messages if is_photo(message)]


async def bytes_of(person: Person, message: Message) -> bytes:
    return await person.download(message)


def size_of_png(content: bytes) -> tuple[int, int]:
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


async def test_a_comparison_is_followed_by_its_picture_once(telpher_running: TelpherRunning, anna: Person) -> None:
    opening = await anna.ask("/cython", has_text("First module"))
    await anna.press(opening, "Search")
    picture = await anna.wait_for(is_photo, timeout_s=60)
    assert picture["reply_to_message"]["message_id"] == opening["message_id"]
    assert media_of(picture)["width"] >= 1000
    await telpher_running.restart()
    await anna.ask("/hello", has_text("Hello"))
    assert len(photos(anna)) == 1
