"""Faults on demand and a request log for everything that the sandbox serves, by one middleware and two control addresses.

`POST /sandbox/faults` takes one rule or a list of rules as JSON, `GET` lists those in force, `DELETE` clears them. A rule:

| field | meaning |
|---|---|
| `match` | a regular expression, searched in `METHOD /path` and in `METHOD /path?query` |
| `kind` | one of the kinds below |
| `times` | how many requests it strikes; without it, every one until it is cleared |
| `probability`, `seed` | strike only some requests, repeatably with a seed |
| `skip` | let so many matching requests pass first |

| kind | what happens |
|---|---|
| `status` | answers `status` (`reason`, `message`, `body`, `headers`, `retry_after`) itself, at once or `after_bytes` of the body |
| `cut_request` | resets the connection when the handler has got `after_bytes` of the body; a shorter request passes |
| `cut_response` | ends the connection after `after_bytes` of the answer's body |
| `drop_answer` | lets the handler do its work and resets the connection instead of answering |
| `delay` | sends each answer `delay_s` later |
| `bandwidth` | lets `bytes_per_s` pass `up`, `down` or `both` ways (`direction`), shared by all requests it strikes |
| `partial` | a resumable upload keeps only `after_bytes` of the request and answers 308 |

Several rules may strike one request, but only one of those that end it (the first four).

`GET /sandbox/log?since=` lists the newest requests: those after a request's `seq`, or since a unix time. Bytes are those of bodies.
Rules outlive a restart; the log does not.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from telpher.sandbox.answers import google_error, oauth_error, telegram_error
from telpher.sandbox.fault_rules import ENDING_KINDS, Rule
from telpher.sandbox.wire import FaultyReader, FaultyWriter, WireCutError, reset

LOG_LIMIT = 20_000
KEEP_ONLY_BYTES = web.RequestKey("keep_only_bytes", int)
"""Set on a request by a `partial` rule: a resumable upload keeps so many bytes of it and answers 308."""

_TELEGRAM_TOKEN = re.compile(r"/bot[^/]+")
_SECRET_FIELDS = frozenset(
    {"access_token", "token", "refresh_token", "code", "client_secret", "device_code", "user_code", "code_verifier"}
)
_UNIX_TIME_FROM = 1_000_000_000.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclasses.dataclass(slots=True)
class LoggedRequest:
    """One line of the request log."""

    seq: int
    method: str
    path: str
    query: dict[str, str]
    started: float
    status: int | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    took_s: float | None = None
    faults: tuple[str, ...] = ()
    was_cut: bool = False


class Faults:
    """The rules in force and the log of requests."""

    def __init__(self, state_file: Path) -> None:
        self._state_file = state_file
        self.rules: list[Rule] = []
        self.log: collections.deque[LoggedRequest] = collections.deque(maxlen=LOG_LIMIT)
        self._next_seq = 1
        with contextlib.suppress(FileNotFoundError):
            documents = json.loads(state_file.read_text("utf-8"))
            self.rules = [Rule.from_json({k: v for k, v in one.items() if k != "struck"}) for one in documents]

    def add(self, *documents: dict[str, Any]) -> None:
        """Put rules in force; raises RuleInvalidError and adds none when one of them is wrong."""
        self.rules += [Rule.from_json(document) for document in documents]
        self._save()

    def clear(self) -> None:
        """No more faults; pending delays and slow streams run to their end."""
        self.rules.clear()
        self._save()

    def begin(self, request: web.BaseRequest) -> LoggedRequest:
        """Open a line in the log."""
        entry = LoggedRequest(
            seq=self._next_seq,
            method=request.method,
            path=_TELEGRAM_TOKEN.sub("/bot***", request.path),
            query={name: "***" if name in _SECRET_FIELDS else value for name, value in request.query.items()},
            started=time.time(),
        )
        self._next_seq += 1
        self.log.append(entry)
        return entry

    def strike(self, request: web.BaseRequest) -> list[Rule]:
        """The rules that hit this request, each counted, at most one of the ending kinds."""
        hits: list[Rule] = []
        is_ended = False
        for rule in self.rules:
            is_ending = rule.kind in ENDING_KINDS
            if (is_ending and is_ended) or not rule.strikes(request):
                continue
            hits.append(rule)
            is_ended = is_ended or is_ending
        if hits:
            self._save()
        return hits

    def requests_since(self, since: float) -> list[dict[str, Any]]:
        """The log after a sequence number, or from a unix time on."""
        if since >= _UNIX_TIME_FROM:
            return [dataclasses.asdict(entry) for entry in self.log if entry.started >= since]
        return [dataclasses.asdict(entry) for entry in self.log if entry.seq > since]

    def _save(self) -> None:
        fresh = self._state_file.with_suffix(".new")
        fresh.write_text(json.dumps([rule.as_json() for rule in self.rules]), "utf-8")
        fresh.replace(self._state_file)


FAULTS = web.AppKey("faults", Faults)


def install(app: web.Application, *, state_dir: Path) -> Faults:
    """Add the middleware (outermost), the control addresses and the log to `app`; call it before the app starts."""
    state_dir.mkdir(parents=True, exist_ok=True)
    faults = app[FAULTS] = Faults(state_dir / "faults.json")
    app.middlewares.insert(0, _middleware)
    app.router.add_get("/sandbox/faults", _get_rules)
    app.router.add_post("/sandbox/faults", _post_rules)
    app.router.add_delete("/sandbox/faults", _delete_rules)
    app.router.add_get("/sandbox/log", _get_log)
    return faults


async def _get_rules(request: web.Request) -> web.Response:
    return web.json_response([rule.as_json() for rule in request.app[FAULTS].rules])


async def _post_rules(request: web.Request) -> web.Response:
    try:
        document = await request.json()
        request.app[FAULTS].add(*(document if isinstance(document, list) else [document]))
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)
    return await _get_rules(request)


async def _delete_rules(request: web.Request) -> web.Response:
    request.app[FAULTS].clear()
    return web.json_response([])


async def _get_log(request: web.Request) -> web.Response:
    try:
        since = float(request.query.get("since", "0"))
    except ValueError:
        return web.json_response({"error": "since is a seq or a unix time"}, status=400)
    return web.json_response(request.app[FAULTS].requests_since(since))


@web.middleware
async def _middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/sandbox/"):
        return await handler(request)
    faults = request.app[FAULTS]
    entry = faults.begin(request)
    body = request._payload  # `content` would be remembered by the request, and a fault may replace it below
    begun = time.perf_counter()

    def count(chunk_bytes: int, _total_bytes: int) -> None:
        entry.bytes_out += chunk_bytes

    def cut(*, is_reset: bool) -> None:
        entry.was_cut = True
        if is_reset:
            reset(request)

    try:
        hits = faults.strike(request)
        entry.faults = tuple(rule.kind for rule in hits)
        call = _faulty(request, handler, hits, cut)
        request.writer.on_body_write = count
        return await _respond(request, call, entry)
    except ConnectionError:
        if request.transport is not None and not request.transport.is_closing():
            raise
        return _SentResponse(web.Response(status=499))  # nobody is there any more, and it is no trouble of the server
    finally:
        entry.bytes_in = body.total_bytes
        entry.took_s = time.perf_counter() - begun


async def _respond(request: web.Request, call: Handler, entry: LoggedRequest) -> web.StreamResponse:
    """Ask the handler and send what it answers, so that the log knows what went over the wire and how long it took."""
    response: web.StreamResponse
    try:
        response = await call(request)
    except web.HTTPException as error:
        response = error
    except ConnectionError:
        raise
    except Exception:
        entry.status = 500
        raise
    entry.status = response.status
    if isinstance(response, web.WebSocketResponse):
        return response
    try:
        await response.prepare(request)
        if isinstance(response, web.FileResponse) and not entry.bytes_out:
            entry.bytes_out = response.content_length or 0  # the kernel sent it, past every counter of ours
        await response.write_eof()
    except WireCutError:
        entry.status = entry.status if entry.bytes_out else None
        raise
    except ConnectionResetError:
        pass  # the client has gone: a page that was closed, a bot that was stopped
    return _SentResponse(response)


class _SentResponse(web.StreamResponse):
    """Stands for an answer that has gone out already, when the server wants to send it."""

    def __init__(self, sent: web.StreamResponse) -> None:
        super().__init__(status=sent.status, reason=sent.reason)
        self._keep_alive = sent.keep_alive
        self._body_length = sent.body_length

    async def prepare(self, request: web.BaseRequest) -> None:
        del request

    async def write_eof(self, data: bytes = b"") -> None:
        del data


def _faulty(request: web.Request, handler: Handler, hits: list[Rule], cut: Callable[..., None]) -> Handler:
    """The handler as these rules make it appear."""
    by_kind = {rule.kind: rule for rule in reversed(hits)}
    up, cut_request, status = by_kind.get("bandwidth"), by_kind.get("cut_request"), by_kind.get("status")
    if taken_in_part := by_kind.get("partial"):
        request[KEEP_ONLY_BYTES] = taken_in_part.after_bytes or 0
    read_until = cut_request.after_bytes or 0 if cut_request else status.after_bytes if status else None
    if request.body_exists and (read_until is not None or (up and up.up)):
        # aiohttp has no public way to give a request another body, or an answer another way out.
        request._payload = FaultyReader(
            request._payload,
            pacer=up.up if up else None,
            cut_at=read_until,
            on_cut=partial(cut, is_reset=True) if cut_request else _do_nothing,
        )
    delay, down, cut_response = by_kind.get("delay"), by_kind.get("bandwidth"), by_kind.get("cut_response")
    is_out_faulty = bool(delay or (down and down.down) or cut_response or "drop_answer" in by_kind)
    if is_out_faulty:
        request._payload_writer = FaultyWriter(
            request,
            delay_s=delay.delay_s if delay else 0.0,
            pacer=down.down if down else None,
            cut_at=cut_response.after_bytes or 0 if cut_response else None,
            is_dropped="drop_answer" in by_kind,
            on_cut=partial(cut, is_reset="drop_answer" in by_kind),
        )

    async def call(request: web.Request) -> web.StreamResponse:
        if status and status.after_bytes is None:
            return _fault_answer(request, status)
        try:
            response = await handler(request)
        except WireCutError:
            if status:
                return _fault_answer(request, status)
            raise
        if is_out_faulty and isinstance(response, web.FileResponse):
            _forbid_sendfile(response)
        return response

    return call


def _do_nothing() -> None:
    return


def _forbid_sendfile(response: web.FileResponse) -> None:
    """Let the file pass through our writer: what the kernel sends by itself can be neither slowed nor cut."""

    async def send(request: web.BaseRequest, fobj: Any, offset: int, count: int) -> Any:
        writer = await web.StreamResponse.prepare(response, request)
        assert writer is not None
        writer = await response._sendfile_fallback(writer, fobj, offset, count)
        await web.StreamResponse.write_eof(response)
        return writer

    response._sendfile = send  # type: ignore[method-assign]


def _fault_answer(request: web.BaseRequest, rule: Rule) -> web.Response:
    headers = dict(rule.headers)
    if rule.retry_after is not None:
        headers.setdefault("Retry-After", f"{rule.retry_after:g}")
    if isinstance(rule.body, str):
        return web.Response(status=rule.status, text=rule.body, headers=headers)
    body = rule.body
    if body is None:
        body = _fault_body(request.path, rule)
    return web.json_response(body, status=rule.status, headers=headers)


def _fault_body(path: str, rule: Rule) -> dict[str, Any]:
    if path.startswith(("/bot", "/file/bot")):
        retry_after_s = None if rule.retry_after is None else int(rule.retry_after)
        return telegram_error(rule.status, rule.message, retry_after_s=retry_after_s)
    if path.startswith(("/drive/", "/upload/")):
        return google_error(rule.status, rule.reason, rule.message)
    return oauth_error(rule.status, rule.reason, rule.message)
