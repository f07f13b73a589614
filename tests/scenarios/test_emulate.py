"""The log-in in the browser against somebody else's Google: the npm package `emulate`, its sign-in page driven by Chromium.

Our own sandbox could share a mistake with us; this one was written by others. It knows no devices and no `about`, so what is shown is the
browser's flow: page, PKCE, code, grant, renewal, and the drive's first answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from playwright.async_api import Error, Page
from tests.driver.window import MISSING, chromium_path, launched

from telpher.accounts import google_browser
from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_oauth import AuthorizedUser, OAuthClient, revoke
from telpher.drives.google import open_google_drive
from telpher.errors import LoginFailedError, LoginRequiredError
from telpher.settings import Secret

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

# The last one that runs on Node.js 20.
PACKAGE = "emulate@0.11.2"
KEPT = Path(__file__).parents[2] / "test-output" / "emulate"
CLIENT = OAuthClient("telpher-test.apps.googleusercontent.com", Secret("GOCSPX-telpher-test-secret"))
PERSON = "anna@example.com"
_LIMIT_S = 60.0


@pytest.fixture
async def emulated(tmp_path: Path) -> AsyncIterator[str]:
    """The root of a running `emulate`."""
    if chromium_path() is None:
        pytest.skip(MISSING)
    program = await _installed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    seed = {
        "google": {
            "users": [{"email": PERSON, "name": "Anna", "email_verified": True}],
            "oauth_clients": [
                {
                    "client_id": CLIENT.client_id,
                    "client_secret": str(CLIENT.client_secret),
                    "name": "Telpher",
                    "redirect_uris": ["http://127.0.0.1:9/oauth/google"],
                }
            ],
        }
    }
    (tmp_path / "seed.json").write_text(json.dumps(seed))
    command = [program, "start", "--service", "google", "--port", str(port), "--seed", str(tmp_path / "seed.json")]
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        root = f"http://localhost:{port}"
        async with asyncio.timeout(_LIMIT_S), aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{root}/.well-known/openid-configuration") as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.05)
        yield root
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _installed() -> str:
    program = KEPT / "node_modules" / ".bin" / "emulate"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed")
        KEPT.mkdir(parents=True, exist_ok=True)
        installing = await asyncio.create_subprocess_exec(
            *(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(KEPT), PACKAGE),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await asyncio.wait_for(installing.wait(), _LIMIT_S)
        except TimeoutError:
            installing.kill()
            code = await installing.wait()
        if code != 0:
            pytest.skip(f"npm cannot install {PACKAGE} here")
    return str(program)


async def _sign_in(page: Page, login: google_browser.BrowserLogin) -> dict[str, str]:
    """Choose the account; what the page leads back with. The address itself cannot be opened, as on a phone."""
    led_to: list[str] = []
    page.on("request", lambda request: led_to.append(request.url))
    await page.goto(login.url)
    # The page that it leads to cannot be opened.
    with contextlib.suppress(Error):
        await page.get_by_text(PERSON).first.click(timeout=10_000)
    async with asyncio.timeout(20):
        while not (back := [url for url in led_to if url.startswith(login.redirect_uri)]):
            await asyncio.sleep(0.05)
    pasted = google_browser.query_of(f"it says that it cannot be opened: {back[0]}")
    assert pasted == dict(parse_qsl(urlsplit(back[0]).query))
    return pasted


async def test_the_browsers_log_in(emulated: str, tmp_path: Path) -> None:
    oauth_url = f"{emulated}/oauth2"
    async with launched() as browser:
        page = await browser.new_page()
        login = google_browser.begin(CLIENT, emulated, "http://127.0.0.1:9/oauth/google")
        await google_browser.check(login)
        query = await _sign_in(page, login)
        assert query["state"] == login.state
        user = await google_browser.finish(CLIENT, oauth_url, login.to_json(), query)
        assert google_browser.WHOLE_DRIVE_SCOPE in user.scopes
        with pytest.raises(LoginFailedError):
            await google_browser.finish(CLIENT, oauth_url, login.to_json(), query)

        stolen = google_browser.begin(CLIENT, emulated, "http://127.0.0.1:9/oauth/google")
        query = await _sign_in(await browser.new_page(), stolen)
        with pytest.raises(LoginFailedError):
            await google_browser.finish(CLIENT, oauth_url, login.to_json(), query)

    # Kept, read again, and renewed because it has no access token any more.
    kept = json.loads(user.to_json()) | {"token": ""}
    authorizer = GoogleAuthorizer(AuthorizedUser.from_json(json.dumps(kept)), oauth_url=oauth_url)
    drive = await open_google_drive(api_url=emulated, authorizer=authorizer, home_file=tmp_path / "home")
    try:
        root = await drive.root()
        assert (await drive.children(root.id)).next_cursor is None
    finally:
        await drive.close()
    await revoke(user, oauth_url)
    with pytest.raises(LoginRequiredError):
        await GoogleAuthorizer(AuthorizedUser.from_json(json.dumps(kept)), oauth_url=oauth_url).token()
