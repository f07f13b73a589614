"""Google's OAuth in the person's own browser, for the whole drive: PKCE (RFC 7636), and a `state` that names the log-in and is used once.

https://developers.google.com/identity/protocols/oauth2/native-app. The page leads back to an address of this machine or of our web
server; where it cannot be reached, the person copies it from the browser, and nothing is lost.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp

from telpher.accounts.google_oauth import AuthorizedUser, OAuthClient, failure_of, granted, post_form
from telpher.errors import LoginClientError
from telpher.settings import Secret

WHOLE_DRIVE_SCOPE = "https://www.googleapis.com/auth/drive"

_AUTH_PATH = "/o/oauth2/v2/auth"
_PROBE_TIMEOUT = aiohttp.ClientTimeout(total=5)
_BROWSER_CLIENT = 'make an OAuth client of the type "Desktop app" in Google\'s console'
# A phone's browser may give its address without the scheme.
_ADDRESS = re.compile(r"\S*\?\S*\bstate=[^\s&]+\S*")


@dataclasses.dataclass(frozen=True, kw_only=True)
class BrowserLogin:
    """One log-in under way. What of it is secret stays with us; `state` goes through the browser."""

    url: str
    """Google's page."""
    state: Secret
    verifier: Secret
    redirect_uri: str

    def to_json(self) -> str:
        """What is kept until the page leads back."""
        return json.dumps({"verifier": str(self.verifier), "redirect_uri": self.redirect_uri})


def begin(client: OAuthClient, login_url: str, redirect_uri: str, *, hint: str = "") -> BrowserLogin:
    """Google's page for this log-in; `hint` is the account that is meant, where one is."""
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": WHOLE_DRIVE_SCOPE,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        "access_type": "offline",
        # Without it Google gives a refresh token only the first time.
        "prompt": "consent",
    }
    if hint:
        query["login_hint"] = hint
    url = f"{login_url}{_AUTH_PATH}?{urlencode(query)}"
    return BrowserLogin(url=url, state=Secret(state), verifier=Secret(verifier), redirect_uri=redirect_uri)


async def check(login: BrowserLogin) -> None:
    """Look whether Google's page would turn this client away, which it tells only the person's browser.

    Raises LoginClientError. A page that cannot be looked at is no error: the person's browser will see.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=_PROBE_TIMEOUT) as session,
            session.get(login.url, allow_redirects=False) as answer,
        ):
            is_refused = 400 <= answer.status < 500 or "/oauth/error" in answer.headers.get("Location", "")
    except (aiohttp.ClientError, TimeoutError, OSError):
        return
    if is_refused:
        raise LoginClientError(f"Google does not let this client log in with a browser: {_BROWSER_CLIENT}")


async def finish(client: OAuthClient, oauth_url: str, kept: str, query: Mapping[str, str]) -> AuthorizedUser:
    """Turn what the page led back with into a grant; `kept` is `BrowserLogin.to_json`.

    Raises LoginFailedError, DriveUnreachableError.
    """
    if query.get("error"):
        raise failure_of(query)
    facts = json.loads(kept)
    status, answer = await post_form(
        f"{oauth_url}/token",
        {
            "client_id": client.client_id,
            "client_secret": str(client.client_secret),
            "code": query.get("code", ""),
            "code_verifier": facts["verifier"],
            "redirect_uri": facts["redirect_uri"],
            "grant_type": "authorization_code",
        },
    )
    if status != 200:
        raise failure_of(answer)
    return granted(client, answer)


def hash_of(state: str) -> str:
    """Names a log-in in the database, where its `state` itself would let anybody end it."""
    return hashlib.sha256(state.encode()).hexdigest()


def query_of(text: str) -> dict[str, str] | None:
    """What the page led back with, from an address that a person sent; None when there is no such address in `text`."""
    found = _ADDRESS.search(text)
    if found is None:
        return None
    query = dict(parse_qsl(urlsplit(found.group()).query))
    return query if query.get("state") and (query.get("code") or query.get("error")) else None
