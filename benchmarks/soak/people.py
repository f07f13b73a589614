"""What simulated people do: a mix over every feature, and an account of what they must get for it."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import hashlib
import random
import time
from collections.abc import Awaitable, Callable

from tests.driver import NothingCameError, Person, buttons_of, has_text, is_from_bot
from tests.driver.messages import Message

_ANSWER_LIMIT_S = 120.0
_LOOKS_BACK = 12
# Buttons that may be pressed blindly; those that would disconnect a drive or send people away are not among them.
_HARMLESS = frozenset({"f", "r", "e", "d", "u", "m", "b", "q", "j", "a"})
_COMMANDS = (
    "/help",
    "/files",
    "/jobs",
    "/me",
    "/shares",
    "/compute",
    "/start",
    "/drives",
    "/unknown",
    "/find file",
    "/recent",
)


@dataclasses.dataclass(frozen=True)
class Reply:
    """How long somebody waited for an answer."""

    kind: str
    asked_s: float
    took_s: float


@dataclasses.dataclass
class Account:
    """What was sent, and what came back."""

    files: dict[tuple[int, int], tuple[str, str]] = dataclasses.field(default_factory=dict)
    """(Person, message) → (name, MD5) of each file that somebody who is let in has sent."""
    strangers_files: set[str] = dataclasses.field(default_factory=set)
    """MD5s of what strangers have sent."""
    replies: list[Reply] = dataclasses.field(default_factory=list)
    unanswered: list[str] = dataclasses.field(default_factory=list)
    deeds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    retries: int = 0


class Actor:
    """One person who does something now and then."""

    def __init__(self, person: Person, chance: random.Random, account: Account) -> None:
        self.person = person
        self._chance = chance
        self._account = account
        self._count = 0
        self._deeds: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (24, self._hello),
            (10, self._command),
            (30, self._press),
            (22, self._small_file),
            (6, self._album),
            (3, self._big_file),
            (3, self._other_kind),
            (1, self._compute),
            (1, self._chatter),
        ]

    async def act(self) -> None:
        """Do one thing, chosen by lot."""
        weights, deeds = zip(*self._deeds, strict=True)
        deed = self._chance.choices(deeds, weights)[0]
        self._account.deeds[deed.__name__.removeprefix("_")] += 1
        await deed()

    async def _hello(self) -> None:
        asked_s = time.monotonic()
        sent = await self.person.send_text("/hello")
        try:
            await self.person.wait_for(has_text("Hello"), _ANSWER_LIMIT_S, after=sent)
        except NothingCameError:
            self._account.unanswered.append(f"/hello of {self.person.user_id}")
        else:
            self._answered("message", asked_s)

    async def _command(self) -> None:
        await self.person.send_text(self._chance.choice(_COMMANDS))

    async def _chatter(self) -> None:
        await self.person.send_text(self._chance.choice(["renamed.bin", "what?", "🙂" * 50, "a" * 3000]))

    async def _press(self) -> None:
        """Any button of the newest messages."""
        recent = [message for message in self.person.messages[-_LOOKS_BACK:] if is_from_bot(message)]
        offered = [
            (message, button["callback_data"])
            for message in recent
            for button in buttons_of(message)
            if button.get("callback_data", "").partition(":")[0] in _HARMLESS
        ]
        if not offered:
            await self._hello()
            return
        message, data = self._chance.choice(offered)
        if data.startswith("j:r:"):
            self._account.retries += 1
        await self._pressed(message, data)

    async def _compute(self) -> None:
        await self._pressed(await self.person.send_text("/compute"), self._chance.choice(["c:search", "c:pi"]))

    async def _pressed(self, message: Message, data: str) -> None:
        asked_s = time.monotonic()
        try:
            await self.person.press_data(message, data, _ANSWER_LIMIT_S)
        except NothingCameError:
            self._account.unanswered.append(f"press of {data} by {self.person.user_id}")
        else:
            self._answered("press", asked_s)

    async def _small_file(self) -> None:
        await self._send([self._content(1, 200_000)])

    async def _big_file(self) -> None:
        await self._send([self._chance.randbytes(self._chance.randrange(5_100_000, 9_000_000))])

    async def _album(self) -> None:
        await self._send([self._content(1000, 60_000) for _ in range(self._chance.randrange(2, 6))])

    async def _other_kind(self) -> None:
        await self._send([self._content(1000, 80_000)], self._chance.choice(["audio", "voice", "video"]))

    async def _send(self, contents: list[bytes], kind: str = "document") -> None:
        files = [(content, self._name(kind)) for content in contents]
        sent = await self.person.send_album(files, kind=kind)
        for (content, name), message in zip(files, sent, strict=True):
            key = (self.person.user_id, message["message_id"])
            self._account.files[key] = (name if kind == "document" else "", _md5(content))

    def _answered(self, kind: str, asked_s: float) -> None:
        self._account.replies.append(Reply(kind, asked_s, time.monotonic() - asked_s))

    def _content(self, least_bytes: int, most_bytes: int) -> bytes:
        # As many of a hundred bytes as of a hundred thousand.
        size = least_bytes * (most_bytes / least_bytes) ** self._chance.random()
        return self._chance.randbytes(max(16, round(size)))

    def _name(self, kind: str) -> str:
        self._count += 1
        suffix = {"audio": "mp3", "voice": "ogg", "video": "mp4"}.get(kind, "bin")
        return f"{self.person.user_id}-{self._count}.{suffix}"


async def intrude(stranger: Person, chance: random.Random, account: Account) -> None:
    """Somebody whom nobody let in tries what they can."""
    content = chance.randbytes(5000)
    account.strangers_files.add(_md5(content))
    account.deeds["stranger"] += 1
    await stranger.send_file(content, name="gift.bin", kind="document")
    await stranger.send_text("/files")
    await stranger.start_press(stranger.messages[-1], "r")


async def keep_busy(
    actors: list[Actor], strangers: list[Person], account: Account, chance: random.Random, per_s: float, seconds: float
) -> None:
    """So many deeds a second, by whoever it falls on; returns when all are done and answered."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
    next_at = loop.time()
    async with asyncio.TaskGroup() as deeds:
        while next_at < ends_at:
            await asyncio.sleep(max(0.0, next_at - loop.time()))
            if chance.random() < 0.01:
                deeds.create_task(intrude(chance.choice(strangers), chance, account))
            else:
                deeds.create_task(chance.choice(actors).act())
            next_at += chance.expovariate(per_s)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
