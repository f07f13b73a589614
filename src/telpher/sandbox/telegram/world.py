"""Who and what is there: the bot, the people, the chats, and the parts that every method works with."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from telpher.sandbox.telegram.errors import ApiError, bad_request
from telpher.sandbox.telegram.events import Events
from telpher.sandbox.telegram.files import FileDepot
from telpher.sandbox.telegram.flood import FloodGate
from telpher.sandbox.telegram.ledger import Json, Ledger
from telpher.sandbox.telegram.queries import Queries
from telpher.sandbox.telegram.updates import UpdateQueue

FIRST_USER_ID = 1001
_FIRST_GROUP_NUMBER = 5001
_FIRST_ALBUM_ID = 13_900_000_000_000_001


@dataclass(frozen=True)
class BotProfile:
    """The bot as BotFather would have registered it."""

    token: str
    username: str
    first_name: str
    supports_inline: bool = True
    reads_all_group_messages: bool = False

    @property
    def id(self) -> int:
        """The number before the colon of the token."""
        return int(self.token.partition(":")[0])


@dataclass(frozen=True)
class Limits:
    """What this server allows; the local server of Telegram (`--local`) lifts what the public one limits."""

    is_local: bool = False
    callback_lifetime_s: float = 60.0
    """How long a pressed button waits for its answer."""

    @property
    def download_bytes(self) -> int | None:
        """The largest file that getFile gives out (https://core.telegram.org/bots/api#getfile)."""
        return None if self.is_local else 20 * 1024 * 1024

    @property
    def upload_bytes(self) -> int:
        """The largest file that a bot may send (https://core.telegram.org/bots/api#using-a-local-bot-api-server)."""
        return 2000 * 1024 * 1024 if self.is_local else 50 * 1024 * 1024

    photo_bytes: int = 10 * 1024 * 1024


class World:
    """The state of the offline Telegram, seen by the Bot API on one side and by the chat page on the other."""

    def __init__(
        self, *, ledger: Ledger, depot: FileDepot, profile: BotProfile, limits: Limits, flood: FloodGate
    ) -> None:
        self.ledger = ledger
        self.depot = depot
        self.profile = profile
        self.limits = limits
        self.flood = flood
        self.updates = UpdateQueue(ledger)
        self.events = Events(ledger)
        self.queries = Queries(ledger, limits.callback_lifetime_s)
        if not ledger.facts("user"):
            self.add_user("Anna", "en")
            self.add_user("Boris", "ru")

    @staticmethod
    def now() -> int:
        """Unix seconds, as dates travel in the Bot API."""
        return int(time.time())

    def close(self) -> None:
        """Let every waiting call end, then close the files."""
        self.updates.close()
        self.events.close()

    def bot_user(self) -> Json:
        """The bot as a User object, as it stands in messages."""
        name = self.ledger.fact("bot_name", "") or self.profile.first_name
        return {"id": self.profile.id, "is_bot": True, "first_name": name, "username": self.profile.username}

    def add_user(self, first_name: str, language_code: str) -> Json:
        """A new person with the next id."""
        user_id = self.ledger.next_id("user", FIRST_USER_ID)
        user = {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": language_code}
        self.ledger.set_fact("user", user_id, user)
        return user

    def set_language(self, user_id: int, language_code: str) -> Json:
        """A person sets their app to another language; the bot learns of it with whatever they do next."""
        user: Json = {**self.ledger.fact("user", user_id), "language_code": language_code}
        self.ledger.set_fact("user", user_id, user)
        return user

    def users(self) -> list[Json]:
        """Everybody, in the order they came."""
        return sorted(self.ledger.facts("user").values(), key=lambda user: int(user["id"]))

    def user(self, user_id: int) -> Json | None:
        """A person (or the bot) by id."""
        if user_id == self.profile.id:
            return self.bot_user()
        found: Json | None = self.ledger.fact("user", user_id)
        return found

    def add_group(self, title: str, member_ids: Iterable[int]) -> Json:
        """A new basic group with these people and the bot."""
        group_id = -self.ledger.next_id("group", _FIRST_GROUP_NUMBER)
        group = {"id": group_id, "type": "group", "title": title, "member_ids": list(member_ids)}
        self.ledger.set_fact("group", group_id, group)
        return group

    def groups(self, user_id: int) -> list[Json]:
        """The groups that a person is in."""
        return [group for group in self.ledger.facts("group").values() if user_id in group["member_ids"]]

    def group(self, chat_id: int) -> Json | None:
        """A group's record with its members, or None."""
        found: Json | None = self.ledger.fact("group", chat_id)
        return found

    def chat(self, chat_id: int) -> Json | None:
        """A Chat object, or None when the bot knows no such chat."""
        if chat_id > 0:
            user = self.ledger.fact("user", chat_id)
            return None if user is None else {"id": chat_id, "first_name": user["first_name"], "type": "private"}
        group = self.group(chat_id)
        return None if group is None else {key: group[key] for key in ("id", "title", "type")}

    def chat_for_bot(self, chat_id: int | str) -> Json:
        """The chat a method names, or Telegram's refusal."""
        chat = self.chat(chat_id) if isinstance(chat_id, int) else None
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def chat_to_write_to(self, chat_id: int | str) -> Json:
        """As `chat_for_bot`, and the bot may write there now: it is not blocked and not flooding."""
        chat = self.chat_for_bot(chat_id)
        if self.ledger.fact("blocked", chat["id"]):
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        self.flood.pass_or_refuse(chat["id"])
        return chat

    def next_album_id(self) -> str:
        """A new media_group_id."""
        return str(self.ledger.next_id("album", _FIRST_ALBUM_ID))

    def people_in(self, chat_id: int) -> list[int]:
        """Whose windows show this chat."""
        if chat_id > 0:
            return [chat_id]
        group = self.group(chat_id)
        return [] if group is None else list(group["member_ids"])
