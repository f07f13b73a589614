"""The barest Bot API client: one method, one call, whatever comes back; for what the libraries hide."""

from __future__ import annotations

import io
from types import TracebackType
from typing import Any, Self

import aiohttp

from telpher.sandbox.service import Sandbox


class Refused(Exception):  # noqa: N818 - reads as `with pytest.raises(Refused)`
    """The server said no."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["description"])
        self.code: int = body["error_code"]
        self.description: str = body["description"]
        self.parameters: dict[str, Any] = body.get("parameters", {})


class BotOverHttp:
    """`await bot.call("sendMessage", chat_id=1, text="x")` answers `result` or raises Refused."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.root = f"{sandbox.url}/bot{sandbox.token}"
        self.file_root = f"{sandbox.url}/file/bot{sandbox.token}"
        self.http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    async def call(self, method: str, /, **parameters: Any) -> Any:
        """By a JSON body."""
        async with self.http.post(f"{self.root}/{method}", json=parameters) as response:
            return await self.result(response)

    async def upload(self, method: str, /, files: dict[str, tuple[str, bytes]], **parameters: Any) -> Any:
        """By a multipart body with files: part name → (file name, bytes)."""
        form = aiohttp.FormData(quote_fields=False)
        for name, value in parameters.items():
            form.add_field(name, str(value))
        for part, (name, content) in files.items():
            form.add_field(part, io.BytesIO(content), filename=name, content_type="application/octet-stream")
        async with self.http.post(f"{self.root}/{method}", data=form) as response:
            return await self.result(response)

    @staticmethod
    async def result(response: aiohttp.ClientResponse) -> Any:
        """The `result` of an answer, or Refused."""
        body = await response.json()
        if not body["ok"]:
            assert response.status == body["error_code"]
            raise Refused(body)
        assert response.status == 200
        return body["result"]
