"""Who speaks for a Google account: the bot's own (the token file of the settings, else the one connected last), or a person's."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_oauth import AuthorizedUser
from telpher.accounts.vault import HOUSE, Account, AccountId, Vault
from telpher.errors import (
    DriveDisconnectedError,
    LoginFailedError,
    LoginRequiredError,
    LoginTestingEndedError,
    SettingsInvalidError,
)

T = TypeVar("T")

DRIVE = "google"


class AccountAuthorizer:
    """Speaks for one account: `telpher.drives.google.client.Authorizer`. A log-in made meanwhile is taken up by itself.

    `logged_in_at` tells a log-in that Google ended because the operator's app is in testing from others.
    """

    def __init__(
        self,
        now: GoogleAuthorizer,
        look: Callable[[], Awaitable[GoogleAuthorizer]],
        logged_in_at: Callable[[], Awaitable[dt.datetime | None]] | None = None,
    ) -> None:
        self._now = now
        self._look = look
        self._logged_in_at = logged_in_at
        self._is_ended = False

    async def token(self) -> str:
        """An access token that is good for some minutes. Raises LoginRequiredError, DriveUnreachableError, DriveDisconnectedError."""
        self._check()
        try:
            return await self._now.token()
        except LoginRequiredError:
            return await self._again(GoogleAuthorizer.token)

    async def refused(self, token: str) -> None:
        """Google did not take `token`: get another, unless that has happened already. Raises as `token` does."""
        self._check()
        try:
            await self._now.refused(token)
        except LoginRequiredError:
            await self._again(lambda authorizer: authorizer.refused(token))

    async def renew(self) -> None:
        """The person has logged in again: what they granted now counts."""
        self._now = await self._look()

    def end(self) -> None:
        """The person has disconnected the account: it is used no longer."""
        self._is_ended = True

    def _check(self) -> None:
        if self._is_ended:
            raise DriveDisconnectedError("disconnected by its person")

    async def _again(self, ask: Callable[[GoogleAuthorizer], Awaitable[T]]) -> T:
        self._check()
        self._now = await self._look()
        try:
            return await ask(self._now)
        except LoginRequiredError as error:
            logged_in_at = await self._logged_in_at() if self._logged_in_at is not None else None
            if error.detail == "invalid_grant" and logged_in_at is not None and _is_testing_over(logged_in_at):
                raise LoginTestingEndedError(error.detail) from None
            raise


async def house_authorizer(vault: Vault, *, oauth_url: str, token_file: Path | None = None) -> AccountAuthorizer:
    """Speaks for the bot's own account.

    Raises LoginRequiredError when none is connected, SettingsInvalidError when `token_file` is not what it should be.
    """
    has_tried_file = False

    async def look() -> GoogleAuthorizer:
        nonlocal has_tried_file
        connected = await vault.list_for(HOUSE, DRIVE)
        if token_file is not None and not (has_tried_file and connected):
            # Where the file's log-in has ended, one made in the chat goes on for it.
            has_tried_file = True
            return GoogleAuthorizer(await asyncio.to_thread(_read, token_file), oauth_url=oauth_url)
        if not connected:
            raise LoginRequiredError("no Google account is connected")
        return await authorizer_of(vault, connected[0].id, oauth_url=oauth_url)

    async def logged_in_at() -> dt.datetime | None:
        connected = await vault.list_for(HOUSE, DRIVE)
        return connected[0].logged_in_at if connected else None

    return AccountAuthorizer(await look(), look, logged_in_at)


async def personal_authorizer(vault: Vault, account_id: AccountId, *, oauth_url: str) -> AccountAuthorizer:
    """Speaks for an account that a person connected. Raises LoginRequiredError when it is gone."""

    async def look() -> GoogleAuthorizer:
        return await authorizer_of(vault, account_id, oauth_url=oauth_url)

    async def logged_in_at() -> dt.datetime | None:
        account = await vault.get(account_id)
        return account.logged_in_at if account is not None else None

    return AccountAuthorizer(await look(), look, logged_in_at)


async def authorizer_of(vault: Vault, account_id: AccountId, *, oauth_url: str) -> GoogleAuthorizer:
    """Speaks for a connected account; what is renewed is kept in the vault. Raises LoginRequiredError."""
    user = AuthorizedUser.from_json(await vault.secret(account_id))

    async def save(renewed: AuthorizedUser) -> None:
        await vault.replace_secret(account_id, renewed.to_json())

    return GoogleAuthorizer(user, oauth_url=oauth_url, save=save)


async def keep(vault: Vault, user: AuthorizedUser, *, person_id: int, subject: str) -> Account:
    """Store what a person granted."""
    return await vault.put(person_id=person_id, drive=DRIVE, subject=subject, scopes=user.scopes, secret=user.to_json())


def _is_testing_over(logged_in_at: dt.datetime) -> bool:
    # https://developers.google.com/identity/protocols/oauth2#expiration: seven days while the app's status is "Testing".
    age = dt.datetime.now(dt.UTC) - logged_in_at
    return dt.timedelta(days=7) <= age < dt.timedelta(days=8)


def _read(token_file: Path) -> AuthorizedUser:
    try:
        return AuthorizedUser.from_json(token_file.read_text())
    except OSError as error:
        raise SettingsInvalidError(
            f"GOOGLE_TOKEN_FILE is {str(token_file)!r}; it cannot be read ({error.strerror})"
        ) from None
    except LoginFailedError as error:
        raise SettingsInvalidError(f"GOOGLE_TOKEN_FILE is {str(token_file)!r}; {error}") from None
