"""What every Drive handler begins with: who calls, with which parameters, and what is wanted of the answer."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sqlite3
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from telpher.sandbox.google.content import digest_of
from telpher.sandbox.google.errors import DriveError
from telpher.sandbox.google.fields import FieldsInvalidError, Mask, parse_fields, wants
from telpher.sandbox.google.grants import Caller, caller_of
from telpher.sandbox.google.ledger import Ledger
from telpher.sandbox.google.oauth import LEDGER, root_url
from telpher.sandbox.google.render import DEFAULT_FILE, FileRenderer


def with_method_override(request: web.Request) -> str:
    """The method that is meant: some clients cannot send all of them, or have too long a query for GET."""
    return request.headers.get("X-HTTP-Method-Override", request.method).upper()


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object; nothing at all counts as an empty one. Raises the 400 that Google answers."""
    if not data.strip():
        return {}
    try:
        value = json.loads(data)
    except ValueError:
        raise DriveError(400, "parseError", "Parse Error") from None
    if not isinstance(value, dict):
        raise DriveError(400, "parseError", "Parse Error")
    return value


async def json_body(request: web.Request) -> dict[str, Any]:
    """The request's body as a JSON object."""
    return json_object(await request.read())


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One call of the Drive API."""

    ledger: Ledger
    caller: Caller
    query: dict[str, str]
    root_url: str

    @property
    def all_drives(self) -> bool:
        """Whether the client says that it understands shared drives."""
        return self.query.get("supportsAllDrives") == "true"

    @property
    def renderer(self) -> FileRenderer:
        """Makes the answer's files."""
        return FileRenderer(self.ledger, self.caller, self.root_url)

    def mask(self, default: str, resource: str) -> Mask:
        """What is wanted of the answer; raises the 400 for what the resource does not have."""
        text = self.query.get("fields") or default
        try:
            return parse_fields(text, resource)
        except FieldsInvalidError as error:
            raise DriveError(400, "invalidParameter", f"Invalid field selection {error}", location="fields") from None

    async def file_answer(self, row: sqlite3.Row) -> web.Response:
        """One file, cut down to what is wanted."""
        mask = self.mask(DEFAULT_FILE, "File")
        [row] = await self.with_digests([row], mask)
        return web.json_response(self.renderer.file(row, mask))

    async def with_digests(self, rows: list[sqlite3.Row], mask: Mask | None) -> list[sqlite3.Row]:
        """Work out the SHA digests of contents the first time that they are wanted; nobody pays for them otherwise."""
        fresh = []
        for row in rows:
            is_stale = False
            for field, algorithm in (("sha1Checksum", "sha1"), ("sha256Checksum", "sha256")):
                if not wants(mask, field) or row["md5"] is None or row[algorithm] is not None:
                    continue
                path = self.ledger.content_dir / (row["blob"] or "empty")
                if not path.exists():
                    path.touch()
                digest = await asyncio.to_thread(digest_of, path, algorithm)
                self.ledger.run(
                    f"UPDATE files SET {algorithm} = ? WHERE id = ? AND blob IS ?",  # noqa: S608
                    *(digest.hexdigest(), row["id"], row["blob"]),
                )
                is_stale = True
            again = self.ledger.one("SELECT * FROM files WHERE id = ?", row["id"]) if is_stale else None
            fresh.append(again or row)
        return fresh


async def call_of(request: web.Request) -> Call:
    """Read what every call has; raises 401 or 403."""
    ledger = request.app[LEDGER]
    caller = caller_of(ledger, request.headers.get("Authorization"))
    caller.require_drive()
    query = dict(request.query)
    if request.method == "POST" and with_method_override(request) == "GET":
        query.update(parse_qsl(await request.text(), keep_blank_values=True))
    return Call(ledger, caller, query, root_url(request))
