"""Many files sent at once: a few messages tell of all of them."""

from __future__ import annotations

import asyncio

from tests.driver import Person, buttons_of, has_text, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import from_bot, kept_files

COUNT = 24


async def test_many_files_have_few_messages_and_are_found_by_number(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    contents = {f"note {number:02}.txt": b"%d" % number for number in range(COUNT)}
    sending = [anna.send_file(content, name=name, kind="document") for name, content in contents.items()]
    await asyncio.gather(*sending)
    shared = await anna.wait_for(has_text("files in the drive, verified"))
    counted = int(text_of(shared).split()[1])
    alone = COUNT - counted
    await anna.wait_until(
        lambda: sum("In the drive, verified" in text_of(message) for message in from_bot(anna)) == alone or None
    )
    assert len(from_bot(anna)) == alone + 1 <= 5
    assert kept_files(telpher_running) == contents

    await anna.press(shared, "Show the files")
    listed = text_of(anna.message(shared))
    assert "1. note" in listed
    await anna.press(anna.message(shared), "Next ›")
    await anna.press(anna.message(shared), "11")
    assert "note" in text_of(anna.message(shared))
    assert any("Get back" in one["text"] for one in buttons_of(anna.message(shared)))
    await anna.press(anna.message(shared), "‹ Back")
    assert "11. note" in text_of(anna.message(shared))
    await anna.press(anna.message(shared), "‹ Back")
    assert text_of(anna.message(shared)).startswith(f"✅ {counted} files in the drive, verified")
