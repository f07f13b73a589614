"""The people's side over HTTP: what the chat page (and a test) reads, writes, presses and uploads, below `/chat/api/`.

No Bot API method lies here; a person's app speaks another protocol to Telegram, and this is the sandbox's own.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import BodyPartReader, hdrs, web

from telpher.sandbox.telegram.arguments import receive_file
from telpher.sandbox.telegram.entities import formatted
from telpher.sandbox.telegram.errors import ApiError, bad_request
from telpher.sandbox.telegram.files import Upload, as_media
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.messages import edit_as_person, person_message, removed, without_reply
from telpher.sandbox.telegram.methods.profile import shown_commands
from telpher.sandbox.telegram.methods.sending import forward_content
from telpher.sandbox.telegram.outgoing import album_sizes, guess_kind, person_caption, person_file
from telpher.sandbox.telegram.world import World

_WHOLLY_QUOTED = re.compile(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+")
_HEARTBEAT_S = 15.0
_INLINE_TIMEOUT_S = 10.0


class ChatApi:
    """Serves every person of the world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, app: web.Application) -> None:
        """Put the chat API on an application."""
        for verb, path, handler in (
            ("GET", "state", self._state),
            ("GET", "events", self._events),
            ("GET", "file/{file_id}", self._file),
            ("POST", "users", self._add_user),
            ("POST", "language", self._set_language),
            ("POST", "groups", self._add_group),
            ("POST", "messages", self._send_text),
            ("POST", "files", self._send_files),
            ("POST", "forward", self._forward),
            ("POST", "edit", self._edit),
            ("POST", "delete", self._delete),
            ("POST", "press", self._press),
            ("POST", "block", self._block),
            ("POST", "inline", self._inline),
            ("POST", "inline/choose", self._choose),
            ("POST", "raw_update", self._raw_update),
        ):
            app.router.add_route(verb, f"/chat/api/{path}", _answering_errors(handler))

    def _user(self, user_id: Any) -> Json:
        user = self._world.user(int(user_id)) if isinstance(user_id, int) or str(user_id).isdecimal() else None
        if user is None or user["is_bot"]:
            raise ApiError(404, "Not Found: no such user")
        return user

    def _place(self, body: Json) -> tuple[Json, Json]:
        """Who writes, and where: a group named by `chat_id`, else their private chat with the bot."""
        user = self._user(body.get("user_id"))
        chat_id = int(body.get("chat_id") or user["id"])
        chat = self._world.chat(chat_id)
        if chat is None or user["id"] not in self._world.people_in(chat_id):
            raise ApiError(404, "Not Found: no such chat")
        return user, chat

    def _message(self, chat: Json, message_id: Any) -> Json:
        message = self._world.ledger.message(chat["id"], message_id) if isinstance(message_id, int) else None
        if message is None:
            raise ApiError(404, "Not Found: no such message")
        return message

    async def _state(self, request: web.Request) -> web.Response:
        world = self._world
        user = self._user(request.query.get("user_id", world.users()[0]["id"]))
        profile = world.bot_user()
        chat_id = int(request.query.get("chat_id") or user["id"])
        if user["id"] not in world.people_in(chat_id):
            raise ApiError(404, "Not Found: no such chat")
        return web.json_response(
            {
                "seq": world.ledger.last_seq(),
                "bot": {
                    **{key: profile[key] for key in ("id", "username", "first_name")},
                    "commands": shown_commands(world, user["id"], chat_id),
                    "description": world.ledger.fact("bot_description", "") or "",
                },
                "users": [{key: each[key] for key in ("id", "first_name", "language_code")} for each in world.users()],
                "groups": world.groups(user["id"]),
                "messages": world.ledger.messages(chat_id),
                "reply_keyboard": world.ledger.fact("keyboard", user["id"]),
                "is_blocked": bool(world.ledger.fact("blocked", user["id"])),
            }
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        user = self._user(request.query.get("user_id"))
        after = int(request.headers.get("Last-Event-ID") or request.query.get("after") or 0)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        try:
            async for event in self._world.events.follow(user["id"], after, idle_s=_HEARTBEAT_S):
                line = ": still here\n\n" if event is None else f"id: {event[0]}\ndata: {event[1]}\n\n"
                await response.write(line.encode())
        except ConnectionResetError:
            pass  # the window was closed
        return response

    async def _add_user(self, request: web.Request) -> web.Response:
        body = await request.json()
        user = self._world.add_user(str(body["first_name"])[:64] or "Someone", str(body.get("language_code", "en")))
        return self._tell_of_user(user)

    async def _set_language(self, request: web.Request) -> web.Response:
        body = await request.json()
        user = self._user(body.get("user_id"))
        return self._tell_of_user(self._world.set_language(user["id"], str(body["language_code"])))

    def _tell_of_user(self, user: Json) -> web.Response:
        shown = {key: user[key] for key in ("id", "first_name", "language_code")}
        everyone = [int(each["id"]) for each in self._world.users()]
        self._world.events.add(everyone, {"type": "user", "user": shown})
        return web.json_response(shown)

    async def _add_group(self, request: web.Request) -> web.Response:
        body = await request.json()
        world = self._world
        founder, *_ = members = [self._user(user_id) for user_id in body["member_ids"]]
        group = world.add_group(str(body["title"]), [user["id"] for user in members])
        chat = world.chat(group["id"])
        assert chat is not None
        self._tell_membership(founder, chat, "left", "member")
        person_message(world, founder, chat, {"group_chat_created": True})
        return web.json_response(group)

    def _tell_membership(self, user: Json, chat: Json, before: str, after: str) -> None:
        """The bot learns that its own standing in a chat has changed."""
        bot = self._world.bot_user()

        def standing(status: str) -> Json:
            return {"status": status, "user": bot, **({"until_date": 0} if status == "kicked" else {})}

        change = {
            "chat": chat,
            "from": user,
            "date": self._world.now(),
            "old_chat_member": standing(before),
            "new_chat_member": standing(after),
        }
        self._world.updates.add("my_chat_member", change)

    async def _send_text(self, request: web.Request) -> web.Response:
        body = await request.json()
        user, chat = self._place(body)
        text, entities = formatted(str(body.get("text", "")), None, body.get("entities"))
        if not text:
            raise bad_request("message text is empty")
        content: Json = {"text": text, **({"entities": entities} if entities else {})}
        if reply_to := body.get("reply_to_message_id"):
            content["reply_to_message"] = without_reply(self._message(chat, reply_to))
        return web.json_response(person_message(self._world, user, chat, content))

    async def _send_files(self, request: web.Request) -> web.Response:
        fields: Json = {}
        uploads: list[Upload] = []
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader):
                    continue
                if part.filename is None:
                    fields[str(part.name)] = await part.text()
                else:
                    upload = await receive_file(part, self._world.depot, limit_bytes=None)
                    upload.name = _plain_name(upload.name)
                    uploads.append(upload)
            user, chat = self._place(fields)
            with self._world.ledger.together():
                messages = self._post_files(user, chat, uploads, fields)
        finally:
            for upload in uploads:
                upload.discard()
        return web.json_response({"messages": messages})

    def _post_files(self, user: Json, chat: Json, uploads: list[Upload], fields: Json) -> list[Json]:
        if not uploads:
            raise bad_request("there is no file in the request")
        reply: Json = {}
        if reply_to := fields.get("reply_to_message_id"):
            reply = {"reply_to_message": without_reply(self._message(chat, int(reply_to)))}
        contents = [person_file(self._world, upload, fields.get("kind") or guess_kind(upload)) for upload in uploads]
        contents[0] |= person_caption(fields.get("caption", ""))
        albums = [album for size in album_sizes(contents) for album in [self._new_album(size)] * size]
        return [
            person_message(self._world, user, chat, {**reply, **album, **content})
            for album, content in zip(albums, contents, strict=True)
        ]

    def _new_album(self, size: int) -> Json:
        if size == 1:
            return {}
        return {"media_group_id": self._world.next_album_id()}

    async def _forward(self, request: web.Request) -> web.Response:
        body = await request.json()
        user, chat = self._place(body)
        message = self._message(chat, body.get("message_id"))
        return web.json_response(person_message(self._world, user, chat, forward_content(message)))

    async def _edit(self, request: web.Request) -> web.Response:
        body = await request.json()
        user, chat = self._place(body)
        message = self._message(chat, body.get("message_id"))
        if message["from"]["id"] != user["id"]:
            raise bad_request("message can't be edited")
        if "text" in message:
            text, entities = formatted(str(body.get("text", "")), None, None)
            content: Json = {"text": text, **({"entities": entities} if entities else {})}
        else:
            content = person_caption(str(body.get("text", "")))
        return web.json_response(edit_as_person(self._world, message, content))

    async def _delete(self, request: web.Request) -> web.Response:
        body = await request.json()
        _, chat = self._place(body)
        removed(self._world, chat["id"], self._message(chat, body.get("message_id"))["message_id"])
        return web.json_response({})

    async def _press(self, request: web.Request) -> web.Response:
        body = await request.json()
        user, chat = self._place(body)
        message_id = int(body["message_id"])
        query_id = self._world.queries.open("callback", user["id"])
        # A button may be pressed in a window that has not heard yet that its message is gone.
        gone = {"chat": chat, "message_id": message_id, "date": 0}
        query = {
            "id": query_id,
            "from": user,
            "message": self._world.ledger.message(chat["id"], message_id) or gone,
            "chat_instance": str(-4_000_000_000_000_000_000 - chat["id"]),
            "data": str(body["data"]),
        }
        self._world.updates.add("callback_query", query)
        return web.json_response({"callback_query_id": query_id})

    async def _block(self, request: web.Request) -> web.Response:
        body = await request.json()
        user = self._user(body.get("user_id"))
        is_blocked = bool(body.get("is_blocked", True))
        chat = self._world.chat(user["id"])
        assert chat is not None
        if is_blocked != bool(self._world.ledger.fact("blocked", user["id"])):
            self._world.ledger.set_fact("blocked", user["id"], True if is_blocked else None)
            before, after = ("member", "kicked") if is_blocked else ("kicked", "member")
            self._tell_membership(user, chat, before, after)
        return web.json_response({"is_blocked": is_blocked})

    async def _inline(self, request: web.Request) -> web.Response:
        body = await request.json()
        user = self._user(body.get("user_id"))
        query_id = self._world.queries.open("inline", user["id"])
        query = {
            "id": query_id,
            "from": user,
            "query": str(body.get("query", ""))[:256],
            "offset": str(body.get("offset", "")),
            "chat_type": "sender",
        }
        self._world.updates.add("inline_query", query)
        # Nothing runs between the two lines, so the answer cannot come before we wait for it.
        answer = await self._world.queries.answer(query_id, _INLINE_TIMEOUT_S)
        if answer is None:
            raise ApiError(504, "Gateway Timeout: the bot did not answer the inline query")
        return web.json_response(answer)

    async def _choose(self, request: web.Request) -> web.Response:
        body = await request.json()
        user = self._user(body.get("user_id"))
        offered = self._world.ledger.fact("inline_results", user["id"]) or []
        chosen = next((result for result in offered if result["id"] == body.get("result_id")), None)
        if chosen is None:
            raise ApiError(404, "Not Found: no such result was offered")
        result = {"result_id": chosen["id"], "from": user, "query": str(body.get("query", ""))}
        self._world.updates.add("chosen_inline_result", result)
        return web.json_response(result)

    async def _raw_update(self, request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response({"update_id": self._world.updates.add_raw(dict(body["update"]))})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        record = self._world.depot.find(request.match_info["file_id"])
        if record is None:
            raise ApiError(404, "Not Found: no such file")
        media: Any = as_media(record)
        mime_type = record["mime_type"] if isinstance(media, dict) or record["mime_type"].startswith("image/") else ""
        is_inline = request.query.get("inline") == "1" and _is_safe_to_show(mime_type)
        response = web.FileResponse(self._world.depot.path_of(record))
        response.content_type = mime_type or "application/octet-stream"
        disposition = "inline" if is_inline else "attachment"
        response.headers[hdrs.CONTENT_DISPOSITION] = _named(disposition, record["file_name"])
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _plain_name(name: str) -> str:
    """The file's own name: browsers escape three characters in a form, some libraries percent-encode the whole name."""
    if _WHOLLY_QUOTED.fullmatch(name):
        return unquote(name)
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _is_safe_to_show(mime_type: str) -> bool:
    """What a browser shows without running anything that the file brought along."""
    return mime_type.startswith(("image/", "video/", "audio/")) and mime_type != "image/svg+xml"


def _named(disposition: str, name: str) -> str:
    # https://www.rfc-editor.org/rfc/rfc6266: the plain form for old clients, the encoded one for every other name.
    plain = "".join(char if 32 <= ord(char) < 127 and char not in '"\\' else "_" for char in name)
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _answering_errors(handler: Any) -> Any:
    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except ApiError as error:
            return web.json_response(error.as_json(), status=error.code)
        except (KeyError, TypeError, ValueError) as error:
            # The page's own mistakes: a body that is no JSON object, or lacks a field.
            return web.json_response(bad_request(f"{type(error).__name__}: {error}").as_json(), status=400)
        return response

    return answering
