"""A person at the offline Google: what a test changes there, and its pages filled in as a browser would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
from tests.driver import buttons_of
from tests.driver.messages import Message

from telpher.sandbox.service import Sandbox

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_ACTION = re.compile(r'<form method="post" action="([^"]+)"')


async def google(sandbox: Sandbox, method: str, path: str, **body: Any) -> Any:
    """What a test may do to the offline Google from outside."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{sandbox.url}/sandbox/google/{path}", json=body or None) as response,
    ):
        assert response.status == 200, await response.text()
        return await response.json()


async def write_client(sandbox: Sandbox, file: Path, kind: str | None = None, *redirect_uris: str) -> Path:
    """The operator's client as Google's console gives it out: the one for everything, or a new one of a kind."""
    if kind is None:
        facts = await google(sandbox, "GET", "credentials.json")
    else:
        facts = await google(sandbox, "POST", "clients", kind=kind, redirect_uris=list(redirect_uris))
    file.write_text(json.dumps(facts))
    return file


def link_of(message: Message) -> str:
    """Where the message's link button leads."""
    return next(str(button["url"]) for button in buttons_of(message) if "url" in button)


async def answer_page(url: str, account: str, decision: str = "allow") -> str:
    """Open a page of Google's, choose the account, press the button; the address that it leads to (or the page's text)."""
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as page:
            text = await page.text()
            assert page.status == 200, text
        form = dict(_HIDDEN.findall(text)) | {"account": account, "decision": decision}
        action = _ACTION.search(text)
        assert action is not None, text
        target = urljoin(url, action.group(1))
        async with session.post(target, data=form, allow_redirects=False) as answer:
            return answer.headers.get("Location") or await answer.text()


def state_of(url: str) -> str:
    """The `state` in an address."""
    return parse_qs(urlsplit(url).query)["state"][0]


async def open_page(url: str) -> tuple[int, str]:
    """What a browser shows at an address."""
    async with aiohttp.ClientSession() as session, session.get(url) as page:
        return page.status, await page.text()


async def files_of(sandbox: Sandbox, account: str) -> list[str]:
    """The names of the files in an account's own drive, trashed ones left out."""
    listed = await google(sandbox, "GET", f"files?account={account}")
    return sorted(file["name"] for file in listed if not file["is_folder"] and not file["is_trashed"])
