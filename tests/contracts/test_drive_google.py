"""The Google drive under the suite for every drive, against the offline Google."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.drive_contract import DriveContract, Reopen
from tests.contracts.google_account import GoogleAccount, google_account

from telpher.drives.google import GoogleDrive


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[GoogleAccount]:
    async with google_account(tmp_path) as account:
        yield account


@pytest.fixture
def reopen(account: GoogleAccount) -> Reopen:
    return account.open


@pytest.fixture
async def drive(account: GoogleAccount) -> Any:
    return await account.open()


class TestGoogleDrive(DriveContract):
    """The suite, with a grant of scope `drive.file`."""


class TestGoogleDriveWhole(DriveContract):
    """The suite, with a grant for the whole drive."""

    @pytest.fixture
    async def account(self, tmp_path: Path) -> AsyncIterator[GoogleAccount]:
        async with google_account(tmp_path, scope="https://www.googleapis.com/auth/drive") as account:
            yield account


async def test_the_root_of_a_whole_drive_is_told(tmp_path: Path) -> None:
    async with google_account(tmp_path, scope="https://www.googleapis.com/auth/drive") as account:
        drive: GoogleDrive = await account.open()
        root = await drive.root()
        assert root.name == "My Drive"
        assert (await drive.home()).parent_id == root.id
        assert await drive.owner() == "anna@example.com"
