"""One person of the sandbox's chat: acts over HTTP, and sees what happens over the event stream, also across restarts of the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
from tests.driver.interpreter import in_english, inline_in_english, message_in_english
from tests.driver.messages import Message, find_button, is_from_bot, media_of, shown_in, shown_inline, text_of
from tests.driver.tongue import complaints

from telpher.tasks import Nursery

T = TypeVar("T")

_RECONNECT_AFTER_S = 0.1


class ChatRefusedError(Exception):
    """The sandbox refused what the person tried; `status` and `answer` say how."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(f"{status}: {answer}")
        self.status = status
        self.answer = answer


class NothingCameError(AssertionError):
    """What the test waited for did not come in time. Says what the chat looks like instead."""


@dataclass(frozen=True)
class Toast:
    """The bot's answer to a pressed button; `text` is empty when it only stops the spinner."""

    callback_query_id: str
    text: str
    is_alert: bool
    url: str | None = None


class Person:
    """A user of the sandbox, between `async with`.

    All that comes is kept: `messages` in the order of the chat (edited ones in their newest form), `toasts`, `chat_actions`,
    `commands`. Every wait is bounded and wakes on events. At the end everything that the bot showed is judged: is it in the
    language of whoever it was for, and finished?
    """

    def __init__(
        self, url: str, user_id: int = 1001, *, chat_id: int | None = None, is_interpreted: bool = False
    ) -> None:
        """`url` is the sandbox's root. `chat_id` is a group to act in; without it the private chat with the bot.

        `is_interpreted` reads to the test in English what the bot says in Russian, so that a scenario may be played by either.
        """
        self.user_id = user_id
        self.chat_id = chat_id
        self.complaints: list[str] = []
        """What was wrong with what the bot showed."""
        self.toasts: list[Toast] = []
        self.chat_actions: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.bot: dict[str, Any] = {}
        self._root = url.rstrip("/")
        self._is_interpreted = is_interpreted
        self._languages: dict[int, str] = {}
        self._messages: dict[tuple[int, int], Message] = {}
        self._last_seq = 0
        self._changed = asyncio.Condition()
        self._connected = asyncio.Event()
        self._resources = contextlib.AsyncExitStack()
        self._http: aiohttp.ClientSession

    @classmethod
    async def join(cls, url: str, first_name: str, language_code: str = "en") -> Self:
        """Make a new user. Use as `async with await Person.join(url, "Clara") as clara:`."""
        body = {"first_name": first_name, "language_code": language_code}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{url.rstrip('/')}/chat/api/users", json=body) as response,
        ):
            return cls(url, (await _answer(response))["id"])

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, connect=10, sock_read=None)
        self._http = await self._resources.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        nursery = await self._resources.enter_async_context(Nursery("person"))
        await self._load_state()
        nursery.spawn(self._listen(), name=f"events of {self.user_id}")
        await asyncio.wait_for(self._connected.wait(), 10)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self._resources.aclose()
        assert kind is not None or not self.complaints, "the bot spoke wrongly:\n" + "\n".join(self.complaints)

    # ---- what the person sees

    @property
    def language(self) -> str:
        """What their app is set to."""
        return self._languages[self.user_id]

    @property
    def messages(self) -> list[Message]:
        """Every message of this chat that still stands, oldest first."""
        chat_id = self.chat_id or self.user_id
        return [message for (chat, _), message in sorted(self._messages.items()) if chat == chat_id]

    @property
    def last_message(self) -> Message:
        """The newest message. Raises AssertionError in an empty chat."""
        assert self.messages, "the chat is empty"
        return self.messages[-1]

    def message(self, message_or_id: Message | int) -> Message:
        """This message as it stands now (edited or not). Raises KeyError when it was deleted."""
        message_id = message_or_id if isinstance(message_or_id, int) else message_or_id["message_id"]
        return self._messages[self.chat_id or self.user_id, message_id]

    def has_message(self, message_or_id: Message | int) -> bool:
        """False when it was deleted (or never came)."""
        message_id = message_or_id if isinstance(message_or_id, int) else message_or_id["message_id"]
        return (self.chat_id or self.user_id, message_id) in self._messages

    async def wait_for(
        self, predicate: Callable[[Message], object], timeout_s: float = 20, *, after: Message | int | None = None
    ) -> Message:
        """The newest message that satisfies `predicate`, as soon as there is one; edits count.

        `after` looks only at messages sent later than that one. Raises NothingCameError after `timeout_s`.
        """
        first_id = 0 if after is None else after if isinstance(after, int) else int(after["message_id"])

        def newest() -> Message | None:
            later = (message for message in reversed(self.messages) if message["message_id"] > first_id)
            return next((message for message in later if predicate(message)), None)

        return await self.wait_until(newest, timeout_s)

    async def wait_for_change(
        self, message: Message, predicate: Callable[[Message], object] = lambda _: True, timeout_s: float = 20
    ) -> Message:
        """This very message, as soon as it differs from what `message` holds and satisfies `predicate`."""

        def changed() -> Message | None:
            now = self.message(message)
            return now if now != message and predicate(now) else None

        return await self.wait_until(changed, timeout_s)

    async def wait_until(self, condition: Callable[[], T | None], timeout_s: float = 20) -> T:
        """What `condition` returns, as soon as it is truthy; it is asked now and after each event."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                while not (result := condition()):
                    await self._changed.wait()
                return result
        except TimeoutError:
            raise NothingCameError(f"nothing like that within {timeout_s} s; the chat:\n{self.transcript()}") from None

    def transcript(self) -> str:
        """The chat in plain lines, for a failed test's message."""
        lines = []
        for message in self.messages:
            kinds = [kind for kind in ("photo", "document", "video", "audio", "voice", "sticker") if kind in message]
            rows = message.get("reply_markup", {}).get("inline_keyboard", [])
            buttons = "".join(f" [{button['text']}]" for row in rows for button in row)
            who = message.get("from", {}).get("first_name", "?")
            lines.append(f"  {message['message_id']} {who}: {' '.join([*kinds, repr(text_of(message))])}{buttons}")
        return "\n".join([*lines, *(f"  toast: {toast.text!r}" for toast in self.toasts)]) or "  (empty)"

    # ---- what the person does

    async def send_text(self, text: str, *, reply_to: Message | None = None) -> Message:
        """Send a text; the message as it stands in the chat."""
        body = {**self._whereabouts(), "text": text}
        if reply_to is not None:
            body["reply_to_message_id"] = reply_to["message_id"]
        return await self._sent(await self._post("messages", body))

    async def ask(
        self, text: str, predicate: Callable[[Message], object] = lambda _: True, timeout_s: float = 20
    ) -> Message:
        """Send a text and wait for the bot's first answer to satisfy `predicate`."""
        sent = await self.send_text(text)
        return await self.wait_for(
            lambda message: message["from"]["is_bot"] and predicate(message), timeout_s, after=sent
        )

    async def send_file(
        self, content: Path | bytes, name: str | None = None, kind: str | None = None, caption: str | None = None
    ) -> Message:
        """Send one file. `kind` as in the Bot API (document, photo, video, …); without it as Telegram's apps would guess."""
        return (await self.send_album([(content, name)], kind=kind, caption=caption))[0]

    async def send_album(
        self,
        files: Sequence[tuple[Path | bytes, str | None] | Path],
        *,
        kind: str | None = None,
        caption: str | None = None,
    ) -> list[Message]:
        """Send several files as one album; the caption is on the first."""
        with contextlib.ExitStack() as opened, aiohttp.MultipartWriter("form-data") as form:
            fields = {**self._whereabouts(), "kind": kind, "caption": caption}
            for field, value in fields.items():
                if value is not None:
                    form.append(str(value)).set_content_disposition("form-data", name=field)
            for file in files:
                content, name = file if isinstance(file, tuple) else (file, None)
                body = opened.enter_context(content.open("rb")) if isinstance(content, Path) else io.BytesIO(content)
                name = name or (content.name if isinstance(content, Path) else "file.bin")
                part = form.append(body)
                part.set_content_disposition("form-data", name="file", filename=name)
            async with self._http.post(f"{self._root}/chat/api/files", data=form) as response:
                sent = (await _answer(response))["messages"]
        return [await self._sent(message) for message in sent]

    async def forward(self, message: Message) -> Message:
        """Forward a message of this chat to the bot."""
        return await self._sent(
            await self._post("forward", {**self._whereabouts(), "message_id": message["message_id"]})
        )

    async def press(self, message: Message, text_or_data: str, timeout_s: float = 20) -> Toast:
        """Press the button with this text (or a part of it) or data, and wait for the bot's answer."""
        button = find_button(self.message(message), text_or_data)
        assert "callback_data" in button, f"{button['text']!r} does not call back: {button}"
        return await self.press_data(message, button["callback_data"], timeout_s)

    async def press_data(self, message: Message | int, data: str, timeout_s: float = 20) -> Toast:
        """Press with any data at all, whether there is such a button or not: a replayed or forged one."""
        query_id = await self.start_press(message, data)
        return await self.wait_until(
            lambda: next((toast for toast in self.toasts if toast.callback_query_id == query_id), None), timeout_s
        )

    async def start_press(self, message: Message | int, data: str) -> str:
        """Press and do not wait; the callback query's id."""
        message_id = message if isinstance(message, int) else message["message_id"]
        pressed = await self._post("press", {**self._whereabouts(), "message_id": message_id, "data": data})
        return str(pressed["callback_query_id"])

    async def set_language(self, language_code: str) -> None:
        """Set their app to another language; the bot learns of it with whatever they do next."""
        await self._post("language", {"user_id": self.user_id, "language_code": language_code})
        self._languages[self.user_id] = language_code.partition("-")[0]

    async def inline(self, query: str, offset: str = "") -> dict[str, Any]:
        """Type `@bot query` in some chat: the bot's inline results."""
        answer = await self._post("inline", {"user_id": self.user_id, "query": query, "offset": offset})
        for result in answer["results"]:
            self._judge(self.user_id, *shown_inline(result))
        return inline_in_english(answer) if self._is_interpreted else answer

    async def choose_inline(self, result_id: str, query: str) -> dict[str, Any]:
        return await self._post("inline/choose", {"user_id": self.user_id, "result_id": result_id, "query": query})

    async def raw_update(self, update: dict[str, Any]) -> dict[str, Any]:
        """Deliver any update at all to the bot."""
        return await self._post("raw_update", {"update": update})

    async def download(self, message: Message) -> bytes:
        """The bytes of the file that the message carries."""
        return b"".join([chunk async for chunk in self.stream(message)])

    async def stream(self, message: Message) -> AsyncIterator[bytes]:
        """The same in chunks of up to 1 MiB, for large files."""
        async with self._http.get(f"{self._root}/chat/api/file/{media_of(message)['file_id']}") as response:
            if response.status != 200:
                raise ChatRefusedError(response.status, await response.text())
            async for chunk in response.content.iter_chunked(1 << 20):
                yield chunk

    # ---- the wire

    def _whereabouts(self) -> dict[str, Any]:
        return {"user_id": self.user_id} | ({} if self.chat_id is None else {"chat_id": self.chat_id})

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(f"{self._root}/chat/api/{path}", json=body) as response:
            return await _answer(response)

    async def _sent(self, message: Message) -> Message:
        # The event may have come first, and with it an edit: then that stands.
        self._messages.setdefault((message["chat"]["id"], message["message_id"]), message)
        return message

    def _received(self, message: Message) -> Message:
        """Judged, and as the test reads it."""
        if not is_from_bot(message):
            return message
        chat_id, answered = message["chat"]["id"], message.get("reply_to_message", {})
        # In a group the bot speaks the language of whom it answers; where it answers nobody, that of anybody there.
        listener_id = chat_id if chat_id > 0 else answered.get("from", {}).get("id", 0)
        self._judge(listener_id, *shown_in(message))
        return message_in_english(message) if self._is_interpreted else message

    def _judge(self, listener_id: int, *texts: str) -> None:
        language = self._languages.get(listener_id)
        if language is not None:
            self.complaints += [f"{wrong} – in {text!r}" for text in texts for wrong in complaints(text, language)]

    async def _load_state(self) -> None:
        async with self._http.get(f"{self._root}/chat/api/state", params=self._query()) as response:
            state = await _answer(response)
        async with self._changed:
            self.bot = state["bot"]
            self._last_seq = state["seq"]
            self._languages = {user["id"]: user["language_code"].partition("-")[0] for user in state["users"]}
            received = [self._received(message) for message in state["messages"]]
            self._messages = {(message["chat"]["id"], message["message_id"]): message for message in received}
            self._changed.notify_all()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, ChatRefusedError):
                async with self._http.get(
                    f"{self._root}/chat/api/events", params=self._query() | {"after": str(self._last_seq)}
                ) as response:
                    if response.status != 200:
                        raise ChatRefusedError(response.status, await response.text())
                    self._connected.set()
                    async for seq, event in _events(response.content):
                        await self._take_in(seq, event)
            # The sandbox stopped, or a fault broke the stream: come back, as the page does.
            await asyncio.sleep(_RECONNECT_AFTER_S)
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, ChatRefusedError):
                seq_before = self._last_seq
                await self._load_state()
                # Toasts and chat actions are not part of the state, so read their events from where we were.
                self._last_seq = min(seq_before, self._last_seq)

    async def _take_in(self, seq: int, event: dict[str, Any]) -> None:
        async with self._changed:
            self._last_seq = max(self._last_seq, seq)
            if event["type"] in {"message", "edited"}:
                event = {**event, "message": self._received(event["message"])}
            self.events.append(event)
            match event["type"]:
                case "message" | "edited":
                    message = event["message"]
                    self._messages[message["chat"]["id"], message["message_id"]] = message
                case "user":
                    self._languages[event["user"]["id"]] = event["user"]["language_code"].partition("-")[0]
                case "deleted":
                    self._messages.pop((event.get("chat_id", self.user_id), event["message_id"]), None)
                case "chat_action":
                    self.chat_actions.append(event["action"])
                case "callback_answer":
                    text = event.get("text") or ""
                    self._judge(self.user_id, text)
                    self.toasts.append(
                        Toast(
                            str(event["callback_query_id"]),
                            in_english(text) if self._is_interpreted else text,
                            bool(event.get("show_alert")),
                            event.get("url"),
                        )
                    )
            self._changed.notify_all()

    def _query(self) -> dict[str, str]:
        return {key: str(value) for key, value in self._whereabouts().items()}


async def _answer(response: aiohttp.ClientResponse) -> dict[str, Any]:
    if response.status != 200:
        raise ChatRefusedError(response.status, await response.text())
    answer: dict[str, Any] = await response.json()
    return answer


async def _events(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """Server-Sent Events: `id:` and `data:` lines, an empty line ends one (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    seq, data = 0, ""
    buffered = b""
    # Not `readline`: a message with many buttons may be longer than aiohttp's line limit.
    async for chunk in lines.iter_any():
        buffered += chunk
        *complete, buffered = buffered.split(b"\n")
        for raw in complete:
            line = raw.decode().rstrip("\r")
            if line.startswith("id:"):
                seq = int(line[3:])
            elif line.startswith("data:"):
                data += line[5:].strip()
            elif not line and data:
                yield seq, json.loads(data)
                data = ""
