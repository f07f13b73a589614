"""What the tests of the offline Google share: a running sandbox, a signed-in client, and Google's own schemas to hold answers to."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import googleapiclient.discovery
import googleapiclient.discovery_cache
from google.oauth2.credentials import Credentials
from googleapiclient.http import HttpRequest

from telpher.sandbox.service import Sandbox

FULL = "https://www.googleapis.com/auth/drive"
FILE = "https://www.googleapis.com/auth/drive.file"
ANNA, BORIS = "anna@example.com", "boris@example.com"
GRANULE = 256 * 1024
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_CHECKS: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "any": object,
}


@functools.cache
def discovery() -> dict[str, Any]:
    """Drive's discovery document, from the official client's package."""
    package = Path(googleapiclient.discovery_cache.__file__).parent
    document: dict[str, Any] = json.loads((package / "documents" / "drive.v3.json").read_text("utf-8"))
    return document


def check_schema(name: str, value: Any, at: str = "") -> None:
    """Fail unless `value` is what Google documents under this name; unknown fields fail too."""
    _check({"$ref": name}, value, at or name)


def _check(schema: dict[str, Any], value: Any, at: str) -> None:
    if "$ref" in schema:
        schema = discovery()["schemas"][schema["$ref"]]
    kind = schema["type"]
    if kind == "array":
        assert isinstance(value, list), at
        for index, item in enumerate(value):
            _check(schema["items"], item, f"{at}[{index}]")
    elif kind == "object":
        assert isinstance(value, dict), at
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            assert name in known or others is not None, f"{at} has no {name}"
            _check(known.get(name, others), item, f"{at}.{name}")
    else:
        assert isinstance(value, _CHECKS[kind]), f"{at} is no {kind}: {value!r}"
        if kind in ("integer", "number"):
            assert not isinstance(value, bool), at
        if schema.get("format") == "int64":
            assert re.fullmatch(r"-?\d+", value), f"{at} is no int64: {value!r}"
        if schema.get("format") == "date-time":
            assert _DATE_TIME.fullmatch(value), f"{at} is no time: {value!r}"


def _methods() -> dict[str, dict[str, Any]]:
    return {
        method["id"]: method
        for resource in discovery()["resources"].values()
        for method in resource["methods"].values()
    }


class CheckedRequest(HttpRequest):
    """A request of the official client whose answer must fit the method's documented schema."""

    def __init__(self, http: Any, postproc: Callable[..., Any], uri: str, **others: Any) -> None:
        schema = _methods()[others["methodId"]].get("response", {}).get("$ref") if others.get("methodId") else None

        def checked(response: Any, content: bytes) -> Any:
            result = postproc(response, content)
            if schema is not None and isinstance(result, dict):
                check_schema(schema, result)
            return result

        super().__init__(http, checked, uri, **others)


class Google:
    """One sandbox and a client that is signed in; `request` answers status, headers and JSON or bytes."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, user: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.session = session
        self.user = user

    @property
    def url(self) -> str:
        return self.sandbox.url

    async def control(self, path: str, /, **body: Any) -> Any:
        """Do something at `/sandbox/google/`."""
        async with self.session.post(f"{self.url}/sandbox/google/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def fault(self, **rule: Any) -> None:
        """Put a fault in force."""
        async with self.session.post(f"{self.url}/sandbox/faults", json=rule) as answer:
            assert answer.status == 200, await answer.text()

    async def sign_in(self, account: str = ANNA, scope: str = FULL, **others: Any) -> Google:
        """The same sandbox seen by another account or app."""
        user = await self.control("token", account=account, scope=scope, **others)
        return Google(self.sandbox, self.session, user)

    async def request(
        self, method: str, path: str, *, expect: int | None = 200, schema: str | None = None, **others: Any
    ) -> tuple[aiohttp.ClientResponse, Any]:
        """Call with our access token; JSON answers are held to `schema`."""
        headers = {"Authorization": f"Bearer {self.user['token']}", **others.pop("headers", {})}
        url = path if path.startswith("http") else self.url + path
        if isinstance(others.get("data"), bytes):
            others["data"] = io.BytesIO(others["data"])
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **others) as answer:
            body: Any = await answer.read()
            is_content = answer.status == 200 and others.get("params", {}).get("alt") == "media"
            if "json" in answer.headers.get("Content-Type", "") and not is_content:
                body = json.loads(body)
        assert expect is None or answer.status == expect, (answer.status, body)
        if schema is not None and answer.status == 200:
            check_schema(schema, body)
        return answer, body

    async def create(self, name: str, *, fields: str = "*", **metadata: Any) -> dict[str, Any]:
        """A file or folder without content."""
        params = {"fields": fields, "supportsAllDrives": "true"}
        _, body = await self.request(
            "POST", "/drive/v3/files", params=params, json={"name": name, **metadata}, schema="File"
        )
        return dict(body)

    async def folder(self, name: str, **metadata: Any) -> dict[str, Any]:
        """A folder."""
        return await self.create(name, mimeType="application/vnd.google-apps.folder", **metadata)

    async def put(self, name: str, data: bytes, **metadata: Any) -> dict[str, Any]:
        """A file with content, by one resumable request."""
        session = await self.begin({"name": name, **metadata}, params={"fields": "*", "supportsAllDrives": "true"})
        _, body = await self.request("PUT", session, data=data, schema="File")
        return dict(body)

    async def begin(self, metadata: dict[str, Any], **others: Any) -> str:
        """Open an upload session; its address."""
        params = {"uploadType": "resumable", **others.pop("params", {})}
        answer, _ = await self.request("POST", "/upload/drive/v3/files", params=params, json=metadata, **others)
        return answer.headers["Location"]

    async def held(self, session: str, total: int | str = "*") -> int | dict[str, Any]:
        """What a session says when asked: how many bytes it holds, or the file that it became."""
        answer, body = await self.request(
            "PUT", session, headers={"Content-Range": f"bytes */{total}"}, data=b"", expect=None
        )
        if answer.status == 200:
            return dict(body)
        assert answer.status == 308, (answer.status, body)
        held = answer.headers.get("Range")
        return int(held.removeprefix("bytes=0-")) + 1 if held else 0

    async def names(self, q: str = "", **params: str) -> list[str]:
        """The names that a listing gives, in its order."""
        params = {"q": q, "fields": "files(name)", "pageSize": "1000", **params}
        _, body = await self.request("GET", "/drive/v3/files", params=params, schema="FileList")
        return [file["name"] for file in body["files"]]

    async def refused(self, method: str, path: str, status: int, reason: str, **others: Any) -> dict[str, Any]:
        """A call that must fail in Google's shape for this reason; the error."""
        _, body = await self.request(method, path, expect=status, **others)
        assert body["error"]["code"] == status
        assert [one["reason"] for one in body["error"]["errors"]] == [reason], body
        return dict(body["error"])

    def credentials(self) -> Credentials:
        """What google-auth makes of our authorized-user JSON (read by its own reader it would ask Google itself)."""
        return Credentials(
            token=self.user["token"],
            refresh_token=self.user["refresh_token"],
            token_uri=self.user["token_uri"],
            client_id=self.user["client_id"],
            client_secret=self.user["client_secret"],
            scopes=self.user["scopes"],
        )

    @asynccontextmanager
    async def service(self, credentials: Credentials | None = None) -> AsyncIterator[Any]:
        """The official client, its discovery document patched to our address."""
        document = {**discovery(), "rootUrl": f"{self.url}/", "baseUrl": f"{self.url}/drive/v3/"}
        service = googleapiclient.discovery.build_from_document(
            document, credentials=credentials or self.credentials(), requestBuilder=CheckedRequest
        )
        try:
            yield service
        finally:
            await asyncio.to_thread(service.close)


@asynccontextmanager
async def running_google(state_dir: Path, *, scope: str = FULL) -> AsyncIterator[Google]:
    """A sandbox with Anna signed in."""
    async with Sandbox(state_dir=state_dir) as sandbox, aiohttp.ClientSession() as session:
        yield await Google(sandbox, session, {}).sign_in(scope=scope)
