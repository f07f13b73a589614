"""Waits that scenarios share; each is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.driver import Person, has_text, is_from_bot
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning

_LIMIT_S = 20.0


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    """Until `condition` holds: for what no event tells of."""
    async with asyncio.timeout(_LIMIT_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def all_is_handled(running: TelpherRunning, owner: Person) -> None:
    """Until the bot has handled whatever anybody sent it before this call."""
    sent = await owner.send_text("/hello")
    await owner.wait_for(has_text("Hello"), after=sent)

    async def is_idle() -> bool:
        return running.app._dispatcher is not None and running.app._dispatcher.backlog == 0

    await eventually(is_idle)


def from_bot(person: Person) -> list[Message]:
    """What the bot has said to this person so far."""
    return [message for message in person.messages if is_from_bot(message)]


def kept_files(running: TelpherRunning) -> dict[str, bytes]:
    """Every file that is in the folder drive and not in its trash: path below it → bytes."""
    root = running.drive_dir
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    }


async def press_until_accepted(person: Person, message: Message, label: str) -> None:
    """Press, again for as long as what was asked for before still counts as being on its way."""
    async with asyncio.timeout(_LIMIT_S):
        while (toast := await person.press(message, label)).text == "Already on its way":
            await asyncio.sleep(0.02)
    assert toast.text == "Coming right up"
