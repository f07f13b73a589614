"""A person at the offline Google: what a test changes there, and its pages filled in as a browser would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
from tests.driver import buttons_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherProcess
from tests.scenarios.google_rig import google

from telpher.sandbox.service import Sandbox

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_ACTION = re.compile(r'<form method="post" action="([^"]+)"')


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


async def connect_in_the_terminal(
    process: TelpherProcess, sandbox: Sandbox, credentials: Path, **environment: str
) -> None:
    """What an operator does: reads the code in the terminal, and allows access in the browser."""
    await google(sandbox, "POST", "settings", device_interval_s=0.2)
    await write_client(sandbox, credentials)
    arguments = ("connect", "google", "--credentials", str(credentials))
    await process.start(*arguments, wait_until_ready=False, **environment)
    await process.wait_for_line("enter the code")
    code = process.output[-1].rpartition(" ")[2]
    await google(sandbox, "POST", "device", user_code=code, decision="allow")
    await process.wait_for_line("Connected as")
    assert await process.wait() == 0
