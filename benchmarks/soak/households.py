"""What takes more than one person, or Google's page: inviting and removing, groups, drives connected, ended and won back."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import AsyncIterator, Sequence

from benchmarks.soak.account import Account, md5
from benchmarks.soak.people import Actor, Counted, greet, wait_quietly
from benchmarks.soak.rig import Servers, email_of, second_email_of
from benchmarks.soak.walks import Walk
from tests.driver import Person, buttons_of, is_from_bot, text_of
from tests.driver.messages import Message

_CODE = re.compile(r"\?start=([\w-]+)")
_DEVICE_CODE = re.compile(r"[A-Z]{4}-[A-Z]{4}")
_MENTION = "@telpher_sandbox_bot"

_AS_MEMBER = Walk("invite a member", "/invite", (r"^ya:m",))
_AS_GUEST = Walk("invite a guest", "/invite", (r"^ya:g", r"^yt:"))


async def invitation_of(owner: Actor, walk: Walk, begin: Message) -> str | None:
    """The code of a new invitation, asked for by the message `begin`."""
    if not await owner.go(walk, begin):
        return None
    shown = await wait_quietly(owner.person, lambda one: _CODE.search(text_of(one)), begin)
    found = _CODE.search(text_of(shown)) if shown is not None else None
    return found[1] if found is not None else None


async def let_in(owner: Actor, people: Sequence[Person]) -> None:
    """As members, before anything is broken. Raises RuntimeError."""
    for person in people:
        code = await invitation_of(owner, _AS_MEMBER, await owner.person.send_text("/invite"))
        sent = await person.send_text(f"/start {code}")
        if await wait_quietly(person, lambda one: "/files" in text_of(one), sent) is None:
            raise RuntimeError(f"{person.user_id} was not let in:\n{person.transcript()}")


class Visits:
    """Somebody is invited, does something, is removed, and is a stranger again."""

    def __init__(self, owners: Sequence[Actor], visitors: Sequence[Person], account: Account) -> None:
        self._owners = owners
        self._free = list(visitors)
        self._account = account

    async def visit(self) -> None:
        """Only as many at a time as there are visitors."""
        if not self._free:
            return
        self._account.deeds["visit"] += 1
        visitor = self._free.pop()
        try:
            await self._visit(visitor, self._owners[visitor.user_id % len(self._owners)])
        finally:
            self._free.append(visitor)

    async def _visit(self, visitor: Person, owner: Actor) -> None:
        is_guest = owner.chance.random() < 0.6
        invited = await owner.person.send_text("/invite")
        code = await invitation_of(owner, _AS_GUEST if is_guest else _AS_MEMBER, invited)
        if code is None:
            return
        begin = await visitor.send_text(f"/start {code}")
        if await wait_quietly(visitor, lambda one: "/me" in text_of(one) or "/files" in text_of(one), begin) is None:
            self._account.cut_short["visit"] += 1
            return
        await greet(visitor, self._account)
        if is_guest and not await self._send(visitor, owner):
            return
        # The owner was told who came in, with a button that leads to them.
        who = visitor.user_id
        self._account.disconnected.add(who)
        if is_guest and owner.chance.random() < 0.5:
            await owner.go(Walk("make a guest a member", "", (rf"^yc:{who}$", rf"^ym:{who}$")), invited)
        if await owner.go(Walk("remove somebody", "", (rf"^yc:{who}$", rf"^yr:{who}$", rf"^yx:{who}$")), invited):
            self._account.walked["visit"] += 1
            await visitor.send_text("/files")

    async def _send(self, visitor: Person, owner: Actor) -> bool:
        """Into the owner's folder; whether the file was accepted, so that who sent it may go."""
        content = owner.chance.randbytes(20_000)
        sent = await visitor.send_file(content, name=f"guest-{md5(content)[:6]}.bin", kind="document")
        self._account.add_file(visitor.user_id, sent["message_id"], "", content)
        return await wait_quietly(visitor, is_from_bot, sent) is not None


class Groups:
    """People who talk to the bot where others listen."""

    def __init__(self, voices: Sequence[Person], account: Account, chance: random.Random) -> None:
        self._voices = voices
        self._account = account
        self._chance = chance

    async def talk(self) -> None:
        """A greeting, a question, or a file that the bot is mentioned with."""
        self._account.deeds["group"] += 1
        voice = self._chance.choice(self._voices)
        what = self._chance.random()
        if what < 0.4:
            await greet(voice, self._account)
        elif what < 0.6:
            await voice.send_text(f"{_MENTION} are you there?")
        else:
            content = self._chance.randbytes(self._chance.randrange(1000, 40_000))
            sent = await voice.send_file(
                content, name=f"group-{md5(content)[:6]}.bin", kind="document", caption=_MENTION
            )
            self._account.add_file(sent["chat"]["id"], sent["message_id"], "", content)


@contextlib.asynccontextmanager
async def groups_of(
    servers: Servers, actors: Sequence[Actor], account: Account, chance: random.Random
) -> AsyncIterator[Groups]:
    """A group for every ten people, with two of them who talk."""
    async with contextlib.AsyncExitStack() as stack:
        voices = []
        for first in range(0, len(actors) - 1, 10):
            pair = [actor.person.user_id for actor in actors[first : first + 2]]
            group = await servers.ask("POST", "/chat/api/groups", {"title": "Family", "member_ids": pair})
            voices += [
                await stack.enter_async_context(Counted(servers.url, user_id, chat_id=group["id"])) for user_id in pair
            ]
        for voice in voices:
            voice.account = account
            stack.callback(voice.complaints.clear)
        yield Groups(voices, account, chance)


class Drives:
    """Log-ins: a second one that comes and goes, and a first one that Google ends."""

    def __init__(self, servers: Servers, actors: Sequence[Actor], account: Account, chance: random.Random) -> None:
        self._servers = servers
        self._actors = {actor.person.user_id: actor for actor in actors}
        self._account = account
        self._chance = chance

    async def second(self) -> None:
        """Connect another account, look at it, disconnect it."""
        actor = self._chance.choice(list(self._actors.values()))
        self._account.deeds["second drive"] += 1
        address = second_email_of(actor.person.user_id)
        if not await self._log_in(actor, address):
            return
        begin = await actor.person.send_text("/accounts")
        shown = await wait_quietly(actor.person, lambda one: _button(one, address, "ad:s:"), begin)
        if shown is None or not await actor.press(shown, _button(shown, address, "ad:s:") or ""):
            self._account.cut_short["second drive"] += 1
            return
        self._account.disconnected.add(actor.person.user_id)
        # Its own screen takes the place of the list.
        if await actor.go(Walk("disconnect a drive", "", (r"^ad:x:", r"^ad:y:")), begin, only=shown):
            self._account.walked["second drive"] += 1

    async def lose(self) -> None:
        """Google ends somebody's log-in while files are on their way; they log in again, and all goes on."""
        actor = self._chance.choice(list(self._actors.values()))
        person_id = actor.person.user_id
        if person_id in self._account.logged_out:
            return
        self._account.deeds["lost log-in"] += 1
        self._account.logged_out.add(person_id)
        await self._servers.ask("POST", "/sandbox/google/revoke", {"account": email_of(person_id)})
        await actor.send([self._chance.randbytes(30_000)])
        await self.win_back(person_id)

    async def win_back(self, person_id: int) -> None:
        """They log in again; if that does not work, the next time."""
        if await self._log_in(self._actors[person_id], email_of(person_id)):
            self._account.logged_out.discard(person_id)
            self._account.walked["lost log-in"] += 1

    async def _log_in(self, actor: Actor, address: str) -> bool:
        walk = Walk("log in by code", "/connect", (r"^cn:c",))
        begin = await actor.person.send_text(walk.begin)
        if not await actor.go(walk, begin):
            return False
        shown = await wait_quietly(actor.person, lambda one: _DEVICE_CODE.search(text_of(one)), begin)
        found = _DEVICE_CODE.search(text_of(shown)) if shown is not None else None
        if found is None:
            return False
        answer = {"user_code": found[0], "account": address}
        await self._servers.ask("POST", "/sandbox/google/device", answer)
        return (
            await wait_quietly(actor.person, lambda one: address in text_of(one) and "✅" in text_of(one), begin)
            is not None
        )


def _button(message: Message, label: str, data: str) -> str | None:
    """What the button with this on its label says to the bot."""
    found = [
        str(button["callback_data"])
        for button in buttons_of(message)
        if label in button["text"] and button.get("callback_data", "").startswith(data)
    ]
    return found[0] if found else None
