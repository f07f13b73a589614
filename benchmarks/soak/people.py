"""What simulated people do: a mix over every feature, in both languages."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from benchmarks.soak.account import Account, Reply, md5
from benchmarks.soak.walks import FILE, LEFT_OUT, OWNERS_WALKS, WALKS, Walk
from tests.driver import ChatRefusedError, NothingCameError, Person, buttons_of, is_from_bot, text_of
from tests.driver.messages import Message

ANSWER_LIMIT_S = 120.0
_OFFER_LIMIT_S = 30.0
_LOOKS_BACK = 12
_GREETINGS = ("Hello", "Здравствуйте")
_COMMANDS = (
    "/help",
    "/files",
    "/jobs",
    "/me",
    "/shares",
    "/compute",
    "/start",
    "/accounts",
    "/whoami",
    "/unknown",
    "/where",
)
_FOLDERS = ("#Trips", "/Trips/Lisbon", "")


class Counted(Person):
    """Notes what they do."""

    account: Account | None = None
    """From when on it counts."""

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._count(1 if path in {"messages", "press", "inline", "forward"} else 0)
        return await super()._post(path, body)

    async def send_album(
        self, files: Sequence[Any], *, kind: str | None = None, caption: str | None = None
    ) -> list[Message]:
        self._count(len(files))
        return await super().send_album(files, kind=kind, caption=caption)

    def _count(self, updates: int) -> None:
        if self.account is not None:
            self.account.updates += updates


class Actor:
    """One person who does something now and then."""

    def __init__(
        self, person: Counted, chance: random.Random, account: Account, friend: str, *, is_owner: bool
    ) -> None:
        self.person = person
        self.chance = chance
        self.account = account
        self._friend = friend
        self._walks = WALKS + OWNERS_WALKS if is_owner else WALKS
        self._count = 0
        self._walked: set[str] = set()
        self._deeds: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (20, self._hello),
            (8, self._command),
            (24, self._press),
            (14, self._walk),
            (18, self._small_file),
            (5, self._album),
            (3, self._big_file),
            (3, self._other_kind),
            (2, self._photo),
            (1, self._again),
            (1, self._cancel_and_retry),
            (3, self._inline),
            (1, self._language),
            (1, self._chatter),
        ]
        if is_owner:
            self._deeds += [(1, self._stats), (1, self._profile)]

    async def act(self) -> None:
        """Do one thing, chosen by lot."""
        weights, deeds = zip(*self._deeds, strict=True)
        deed = self.chance.choices(deeds, weights)[0]
        self.account.deeds[deed.__name__.removeprefix("_")] += 1
        await deed()

    # ---- talk

    async def _hello(self) -> None:
        await self.greet()

    async def greet(self) -> None:
        """`/hello`, which is answered whatever else goes on."""
        await greet(self.person, self.account)

    async def _command(self) -> None:
        await self.person.send_text(self.chance.choice(_COMMANDS))

    async def _chatter(self) -> None:
        await self._write(self.chance.choice(["renamed.bin", "what?", "🙂" * 50, "a" * 3000]))

    async def _language(self) -> None:
        await self.person.set_language(self.chance.choice(("en", "ru")))

    async def _stats(self) -> None:
        self.account.sent_by_bot += 1
        await self.person.send_text("/stats")

    async def _profile(self) -> None:
        self.account.sent_by_bot += 2
        await self.person.send_text("/profile files")

    async def _inline(self) -> None:
        asked_s = time.monotonic()
        try:
            answer = await self.person.inline(self.chance.choice([str(self.person.user_id), "photo", "", "nothing"]))
        except ChatRefusedError:
            self.account.unanswered.append((f"an inline query of {self.person.user_id}", asked_s))
            return
        self._answered("inline", asked_s)
        if answer["results"] and self.chance.random() < 0.5:
            with contextlib.suppress(ChatRefusedError):
                await self.person.choose_inline(self.chance.choice(answer["results"])["id"], "")

    # ---- buttons

    async def _press(self) -> None:
        """Any button of the newest messages."""
        recent = [message for message in self.person.messages[-_LOOKS_BACK:] if is_from_bot(message)]
        offered = [
            (message, data)
            for message in recent
            for data in _presses_of(message)
            if data.partition(":")[0] not in LEFT_OUT
        ]
        if not offered:
            await self._hello()
            return
        message, data = self.chance.choice(offered)
        if re.match(r"[ja]:r:", data):
            self.account.retries += 1
        await self.press(message, data)

    async def _walk(self) -> None:
        open_to_me = [walk for walk in self._walks if not walk.after or walk.after in self._walked]
        # What nobody has come to the end of yet is likelier, so that a soak of minutes sees every feature.
        weights = [walk.weight * (1 if self.account.walked[walk.name] else 4) for walk in open_to_me]
        await self.go(self.chance.choices(open_to_me, weights)[0])

    async def go(self, walk: Walk, begin: Message | None = None, *, only: Message | None = None) -> bool:
        """Through the screens of a feature, after writing what it begins with; whether to its end. `only`: in this message."""
        begin = begin or await self._write(walk.begin)
        following = 0
        while following < len(walk.buttons):
            offer = await self._offer(begin, walk.buttons, following, only)
            if offer is None or not await self.press(*offer[1:]):
                self.account.cut_short[walk.name] += 1
                return False
            following = offer[0] + 1
            said = walk.says.get(walk.buttons[offer[0]])
            if said == FILE:
                await self._small_file()
            elif said is not None:
                await self._write(said)
        self.account.walked[walk.name] += 1
        self._walked.add(walk.name)
        return True

    async def _offer(
        self, after: Message, buttons: Sequence[str], first: int, only: Message | None
    ) -> tuple[int, Message, str] | None:
        """The furthest of `buttons` from `first` on that any message after this one offers, as soon as there is one."""

        def furthest() -> tuple[int, Message, str] | None:
            later = [
                one for one in self.person.messages if one["message_id"] > after["message_id"] and is_from_bot(one)
            ]
            if only is not None:
                later = [one for one in later if one["message_id"] == only["message_id"]]
            offered = [(message, data) for message in reversed(later) for data in _presses_of(message)]
            for place in range(len(buttons) - 1, first - 1, -1):
                if found := [one for one in offered if re.search(buttons[place], one[1])]:
                    newest = [one for one in found if one[0] is found[0][0]]
                    return place, *self.chance.choice(newest)
            return None

        try:
            return await self.person.wait_until(furthest, _OFFER_LIMIT_S)
        except NothingCameError:
            return None

    async def press(self, message: Message, data: str) -> bool:
        """Whether it was answered, as it has to be."""
        self.account.pressed[data.partition(":")[0]] += 1
        asked_s = time.monotonic()
        try:
            await self.person.press_data(message, data, ANSWER_LIMIT_S)
        except ChatRefusedError:
            return False  # the message was deleted meanwhile
        except NothingCameError:
            self.account.unanswered.append((f"press of {data} by {self.person.user_id}", asked_s))
            return False
        self._answered("press", asked_s)
        return True

    def _answered(self, kind: str, asked_s: float) -> None:
        self.account.replies.append(Reply(kind, asked_s, time.monotonic() - asked_s))

    async def _write(self, words: str) -> Message:
        name = f"renamed {self.chance.randrange(1000)}"
        text = words.format(name=name, friend=self._friend, number=self.person.user_id) if "{" in words else words
        self.account.written_names.add(text)
        return await self.person.send_text(text)

    # ---- files

    async def _small_file(self) -> None:
        caption = self.chance.choice(_FOLDERS) if self.chance.random() < 0.1 else ""
        await self.send([self._content(1, 200_000)], caption=caption)

    async def _big_file(self) -> None:
        await self.send([self._big_content()])

    def _big_content(self) -> bytes:
        return self.chance.randbytes(self.chance.randrange(5_100_000, 9_000_000))

    async def _album(self) -> None:
        await self.send([self._content(1000, 60_000) for _ in range(self.chance.randrange(2, 6))])

    async def _other_kind(self) -> None:
        kind = self.chance.choice(["audio", "voice", "video", "animation", "video_note"])
        await self.send([self._content(1000, 80_000)], kind)

    async def _photo(self) -> None:
        await self.send([_png(self.chance)], "photo")

    async def _again(self) -> None:
        """The same content twice: a new one, or what was forwarded."""
        content = self._content(1000, 50_000)
        (first,) = await self.send([content])
        if self.chance.random() < 0.5:
            self._note(await self.person.forward(first), "", content)
        else:
            (second,) = await self.send([content])
            await self.go(Walk("keep both or the old", "", (r"^k[bo]:",)), begin=second)

    async def _cancel_and_retry(self) -> None:
        (sent,) = await self.send([self._big_content()])
        await self.go(Walk("cancel and retry", "", (r"^[ja]:c:", r"^[ja]:r:")), begin=sent)

    async def send(self, contents: list[bytes], kind: str = "document", *, caption: str = "") -> list[Message]:
        """As one album where there are several."""
        files = [(content, self._name(kind)) for content in contents]
        sent = await self.person.send_album(files, kind=kind, caption=caption or None)
        for (content, name), message in zip(files, sent, strict=True):
            self._note(message, name if kind == "document" else "", content)
        return sent

    def _note(self, message: Message, name: str, content: bytes) -> None:
        self.account.add_file(message["chat"]["id"], message["message_id"], name, content)

    def _content(self, least_bytes: int, most_bytes: int) -> bytes:
        # As many of a hundred bytes as of a hundred thousand.
        size = least_bytes * (most_bytes / least_bytes) ** self.chance.random()
        return self.chance.randbytes(max(16, round(size)))

    def _name(self, kind: str) -> str:
        self._count += 1
        suffix = {"audio": "mp3", "voice": "ogg", "video": "mp4", "photo": "png"}.get(kind, "bin")
        return f"{self.person.user_id}-{self._count}.{suffix}"


async def greet(person: Person, account: Account) -> None:
    """Anybody's `/hello`."""
    asked_s = time.monotonic()
    sent = await person.send_text("/hello")
    try:
        await person.wait_for(
            lambda one: is_from_bot(one) and text_of(one).startswith(_GREETINGS), ANSWER_LIMIT_S, after=sent
        )
    except NothingCameError:
        account.unanswered.append((f"/hello of {person.user_id}", asked_s))
    else:
        account.replies.append(Reply("message", asked_s, time.monotonic() - asked_s))


async def intrude(stranger: Person, chance: random.Random, account: Account) -> None:
    """Somebody whom nobody let in tries what they can."""
    content = chance.randbytes(5000)
    account.strangers_files.add(md5(content))
    await stranger.send_file(content, name="gift.bin", kind="document")
    await stranger.send_text("/files")
    await stranger.start_press(stranger.messages[-1], "r")
    with contextlib.suppress(ChatRefusedError):
        await stranger.inline("1001")


def _presses_of(message: Message) -> list[str]:
    return [button["callback_data"] for button in buttons_of(message) if "callback_data" in button]


def _png(chance: random.Random, side: int = 40) -> bytes:
    """A picture that no other is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + chance.randbytes(3 * side) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def wait_quietly(person: Person, condition: Callable[[Message], object], after: Message) -> Message | None:
    """The bot's message that satisfies it; None when it does not come."""
    try:
        return await person.wait_for(lambda one: is_from_bot(one) and condition(one), _OFFER_LIMIT_S, after=after)
    except NothingCameError:
        return None


async def keep_busy(
    deeds: Sequence[tuple[float, Callable[[], Awaitable[None]]]],
    account: Account,
    chance: random.Random,
    per_s: float,
    seconds: float,
) -> None:
    """So many updates a second from all that is done, each deed by its weight; returns when all are done and answered."""
    loop = asyncio.get_running_loop()
    began_s, weights, choices = loop.time(), *zip(*deeds, strict=True)
    async with asyncio.TaskGroup() as running:
        while (passed_s := loop.time() - began_s) < seconds:
            if account.updates <= per_s * passed_s:
                running.create_task(chance.choices(choices, weights)[0]())
            await asyncio.sleep(chance.expovariate(per_s))
