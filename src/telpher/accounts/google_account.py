"""Which Google account the bot itself uses: the token file of the settings, else the one that was connected last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_oauth import AuthorizedUser
from telpher.accounts.vault import HOUSE, Account, AccountId, Vault
from telpher.errors import LoginFailedError, LoginRequiredError, SettingsInvalidError

DRIVE = "google"


class HouseAuthorizer:
    """Speaks for the bot's own account: `telpher.drives.google.client.Authorizer`. A log-in made meanwhile is taken up by itself."""

    def __init__(self, now: GoogleAuthorizer, look: Callable[[], Awaitable[GoogleAuthorizer]]) -> None:
        self._now = now
        self._look = look

    async def token(self) -> str:
        """An access token that is good for some minutes. Raises LoginRequiredError, DriveUnreachableError."""
        try:
            return await self._now.token()
        except LoginRequiredError:
            self._now = await self._look()
            return await self._now.token()

    async def refused(self, token: str) -> None:
        """Google did not take `token`: get another, unless that has happened already. Raises as `token` does."""
        try:
            await self._now.refused(token)
        except LoginRequiredError:
            self._now = await self._look()
            await self._now.refused(token)


async def house_authorizer(vault: Vault, *, oauth_url: str, token_file: Path | None = None) -> HouseAuthorizer:
    """Speaks for the bot's own account.

    Raises LoginRequiredError when none is connected, SettingsInvalidError when `token_file` is not what it should be.
    """

    async def look() -> GoogleAuthorizer:
        if token_file is not None:
            return GoogleAuthorizer(await asyncio.to_thread(_read, token_file), oauth_url=oauth_url)
        connected = await vault.list_for(HOUSE, DRIVE)
        if not connected:
            raise LoginRequiredError("no Google account is connected")
        return await authorizer_of(vault, connected[0].id, oauth_url=oauth_url)

    return HouseAuthorizer(await look(), look)


async def authorizer_of(vault: Vault, account_id: AccountId, *, oauth_url: str) -> GoogleAuthorizer:
    """Speaks for a connected account; what is renewed is kept in the vault. Raises LoginRequiredError."""
    user = AuthorizedUser.from_json(await vault.secret(account_id))

    async def save(renewed: AuthorizedUser) -> None:
        await vault.replace_secret(account_id, renewed.to_json())

    return GoogleAuthorizer(user, oauth_url=oauth_url, save=save)


async def keep(vault: Vault, user: AuthorizedUser, *, person_id: int, subject: str) -> Account:
    """Store what a person granted."""
    return await vault.put(person_id=person_id, drive=DRIVE, subject=subject, scopes=user.scopes, secret=user.to_json())


def _read(token_file: Path) -> AuthorizedUser:
    try:
        return AuthorizedUser.from_json(token_file.read_text())
    except OSError as error:
        raise SettingsInvalidError(
            f"GOOGLE_TOKEN_FILE is {str(token_file)!r}; it cannot be read ({error.strerror})"
        ) from None
    except LoginFailedError as error:
        raise SettingsInvalidError(f"GOOGLE_TOKEN_FILE is {str(token_file)!r}; {error}") from None
