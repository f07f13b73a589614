"""Access tokens that renew themselves: one account's credentials, refreshed by google-auth in a thread, one refresh at a time.

Renewed ahead of expiry, so that no request meets an expired one; kept when the renewal fails but the token is still good.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import google.auth.transport
import urllib3
from google.auth import exceptions
from google.oauth2.credentials import Credentials

from telpher.accounts.google_oauth import AuthorizedUser
from telpher.errors import DriveError, DriveUnreachableError, LoginRequiredError
from telpher.settings import Secret

_TIMEOUT_S = 30.0
_AHEAD = dt.timedelta(minutes=4)
# The grant or the client is no more: https://developers.google.com/identity/protocols/oauth2#expiration
_ENDED = ("invalid_grant", "invalid_client", "deleted_client", "unauthorized_client", "invalid_rapt")

Save = Callable[[AuthorizedUser], Awaitable[None]]


class GoogleAuthorizer:
    """Speaks for one account: `telpher.drives.google.client.Authorizer`. Share one per account."""

    def __init__(self, user: AuthorizedUser, *, oauth_url: str, save: Save | None = None) -> None:
        self._user = user
        self._token_uri = f"{oauth_url}/token"
        self._save = save
        self._refreshing = asyncio.Lock()

    def __repr__(self) -> str:
        return "GoogleAuthorizer(…)"

    async def token(self) -> str:
        """An access token that is good for some minutes. Raises LoginRequiredError, DriveUnreachableError."""
        if self._is_good_for(_AHEAD):
            return str(self._user.token)
        async with self._refreshing:
            if not self._is_good_for(_AHEAD):
                try:
                    await self._refresh()
                except DriveUnreachableError:
                    if not self._is_good_for(dt.timedelta(seconds=10)):
                        raise
        return str(self._user.token)

    async def refused(self, token: str) -> None:
        """Google did not take `token`: get another, unless that has happened already. Raises as `token` does."""
        async with self._refreshing:
            if str(self._user.token) == token:
                await self._refresh()

    def _is_good_for(self, duration: dt.timedelta) -> bool:
        expires_at = self._user.expires_at
        return bool(self._user.token) and expires_at is not None and dt.datetime.now(dt.UTC) + duration < expires_at

    async def _refresh(self) -> None:
        user = self._user
        try:
            renewed = await asyncio.to_thread(_refreshed, user, self._token_uri)
        except exceptions.RefreshError as error:
            raise _translated(error) from None
        except exceptions.GoogleAuthError as error:
            raise DriveUnreachableError(f"Google's log-in did not answer ({type(error).__name__})") from None
        self._user = renewed
        if self._save is not None:
            await self._save(renewed)


def _translated(error: exceptions.RefreshError) -> DriveError:
    # Its text may repeat the answer: nothing of it is passed on but the one word.
    text = str(error)
    for word in _ENDED:
        if word in text:
            return LoginRequiredError(word)
    if error.retryable:
        return DriveUnreachableError("Google's log-in is in trouble")
    return LoginRequiredError("the token could not be renewed")


def _refreshed(user: AuthorizedUser, token_uri: str) -> AuthorizedUser:
    credentials = Credentials(  # type: ignore[no-untyped-call]
        token=None,
        refresh_token=str(user.refresh_token),
        token_uri=token_uri,
        client_id=user.client_id,
        client_secret=str(user.client_secret),
    )
    with urllib3.PoolManager(retries=False) as pool:
        credentials.refresh(_Transport(pool))  # type: ignore[no-untyped-call]
    return dataclasses.replace(
        user,
        token=Secret(credentials.token),
        refresh_token=Secret(credentials.refresh_token),
        # google-auth's times are UTC without saying so.
        expires_at=credentials.expiry.replace(tzinfo=dt.UTC) if credentials.expiry else None,
    )


class _Transport(google.auth.transport.Request):
    """google-auth's way out, over urllib3. Logs nothing: the body is all secrets."""

    def __init__(self, pool: urllib3.PoolManager) -> None:
        self._pool = pool

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> urllib3.BaseHTTPResponse:
        try:
            # Its answer has what google-auth reads of one: status, headers and data.
            return self._pool.request(method, url, body=body, headers=headers, timeout=timeout or _TIMEOUT_S)
        except urllib3.exceptions.HTTPError as error:
            raise exceptions.TransportError(type(error).__name__) from None  # type: ignore[no-untyped-call]
