"""The part of the composition root that opens drives: the one of the settings, people's folders, connected accounts, shared drives.

Everything that uses one Google account shares one authorizer (so that its token is renewed once) and one pace.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from telpher.accounts.vault import AccountId, Vault
from telpher.drives.pacing import Pace
from telpher.drives.port import Drive
from telpher.errors import LoginRequiredError, SettingsInvalidError
from telpher.settings import DriveKind, Settings
from telpher.store import Store, open_store

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

    from telpher.accounts.google_account import AccountAuthorizer

_NO_ACCOUNT = "DRIVE is google, and no account is connected: run `telpher connect google`, or set GOOGLE_TOKEN_FILE"
_GOOGLE, _FOLDER = "google", "folder"


def open_vault(settings: Settings, store: Store) -> Vault:
    """The vault of `store`; its keys are opened at the first use, and cryptography with them."""

    def keys() -> MultiFernet:
        from telpher.accounts.keys import open_keys  # noqa: PLC0415 - only where there is something to keep

        return open_keys(settings.data_dir)

    return Vault(store, keys)


class DriveOpener:
    """See `telpher.actions.personal_drives.OpensDrives`. `house_vault` is the one in DATA_DIR, `vault` that of this Telpher's people."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        house_vault: Vault,
        watched: Callable[[Drive], Drive] = lambda drive: drive,
    ) -> None:
        """`watched` is given each drive that is opened."""
        self._settings = settings
        self._watched = watched
        self._vault = vault
        self._house_vault = house_vault
        self._accounts: dict[str, tuple[AccountAuthorizer, Pace]] = {}

    async def open(self, name: str) -> Drive:
        """The drive of that name. Raises LoginRequiredError, SettingsInvalidError."""
        return self._watched(await self._open(name))

    async def _open(self, name: str) -> Drive:
        account, _, shared_drive_id = name.partition(":")
        kind, _, number = account.partition("-")
        if kind == _FOLDER:
            from telpher.drives.folder import FolderDrive  # noqa: PLC0415 - only the drives that are used

            data_dir = self._settings.data_dir
            return FolderDrive(data_dir / "drives" / number if number else data_dir / "drive", name)
        # Google's libraries only for Google.
        from telpher.drives.google import open_google_drive  # noqa: PLC0415

        authorizer, pace = await self._speaking_for(account)
        return await open_google_drive(
            api_url=self._settings.google_api_url,
            authorizer=authorizer,
            home_file=self._settings.data_dir / f"google-home{'-' if number else ''}{number}",
            folder_id=self._settings.google_folder_id if account == _GOOGLE and not shared_drive_id else "",
            pace=pace,
            name=name,
            shared_drive_id=shared_drive_id,
        )

    async def renew(self, account: str) -> None:
        """See the protocol."""
        if (known := self._accounts.get(account)) is not None:
            await known[0].renew()

    def end(self, account: str) -> None:
        """See the protocol."""
        if (known := self._accounts.pop(account, None)) is not None:
            known[0].end()

    async def _speaking_for(self, account: str) -> tuple[AccountAuthorizer, Pace]:
        from telpher.accounts.google_account import house_authorizer, personal_authorizer  # noqa: PLC0415

        if account not in self._accounts:
            oauth_url = self._settings.google_oauth_url
            if account == _GOOGLE:
                token_file = self._settings.google_token_file
                authorizer = await house_authorizer(self._house_vault, oauth_url=oauth_url, token_file=token_file)
            else:
                account_id = AccountId(int(account.removeprefix(f"{_GOOGLE}-")))
                authorizer = await personal_authorizer(self._vault, account_id, oauth_url=oauth_url)
            self._accounts.setdefault(account, (authorizer, Pace()))
        return self._accounts[account]


@contextlib.asynccontextmanager
async def house_vault_of(settings: Settings, store: Store | None = None) -> AsyncIterator[Vault]:
    """The vault in DATA_DIR; `store` is its database where that is open already."""
    async with contextlib.AsyncExitStack() as stack:
        if store is None:
            store = await asyncio.to_thread(open_store, settings.database_of(settings.data_dir))
            stack.push_async_callback(store.close)
        yield open_vault(settings, store)


@contextlib.asynccontextmanager
async def opened_drive(settings: Settings) -> AsyncIterator[Drive]:
    """The drive of the settings. Raises SettingsInvalidError, also when no account is connected."""
    async with contextlib.AsyncExitStack() as stack:
        if settings.drive is DriveKind.GOOGLE:
            vault = await stack.enter_async_context(house_vault_of(settings))
            try:
                drive = await DriveOpener(settings, vault, vault).open(_GOOGLE)
            except LoginRequiredError:
                raise SettingsInvalidError(_NO_ACCOUNT) from None
        else:
            from telpher.drives.folder import FolderDrive  # noqa: PLC0415 - only the drive that is used

            drive = FolderDrive(settings.data_dir / "drive")
        stack.push_async_callback(drive.close)
        yield drive


async def has_house_drive(settings: Settings, opener: DriveOpener) -> bool:
    """Whether the settings' drive can be opened. Raises SettingsInvalidError when it cannot, and nobody could connect one either."""
    if settings.drive is DriveKind.FOLDER:
        return True
    try:
        drive = await opener.open(_GOOGLE)
    except LoginRequiredError:
        if settings.google_credentials_file is None:
            raise SettingsInvalidError(_NO_ACCOUNT) from None
        return False
    await drive.close()
    return True
