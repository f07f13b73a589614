"""Folders by name: found or made, never twice, also by many at once, after a restart, and when somebody moved them away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contracts.google_account import google_account
from tests.contracts.shelves_contract import put

from telpher.actions.folder_paths import FolderPaths
from telpher.drives.folder import FolderDrive
from telpher.drives.port import Drive, EntryId
from telpher.store import Store, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


@pytest.fixture(params=["folder", "google"])
async def drive(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Drive]:
    if request.param == "google":
        async with google_account(tmp_path) as account:
            yield await account.open()
        return
    drive = FolderDrive(tmp_path / "drive")
    yield drive
    await drive.close()


async def folders(drive: Drive, parent_id: EntryId) -> list[str]:
    return [entry.name for entry in (await drive.children(parent_id)).entries if entry.is_folder]


async def test_many_at_once_make_each_folder_once(store: Store, drive: Drive) -> None:
    paths, home = FolderPaths(store), (await drive.home()).id
    ids = await asyncio.gather(*(paths.ensure(drive, home, ["2026", "03", "Pictures"]) for _ in range(12)))
    assert len(set(ids)) == 1
    assert await folders(drive, home) == ["2026"]
    assert (await drive.stat(ids[0])).name == "Pictures"


async def test_what_is_there_is_used_also_without_memory(store: Store, drive: Drive, tmp_path: Path) -> None:
    home = (await drive.home()).id
    made = await drive.make_folder(home, "Trips")
    assert await FolderPaths(store).ensure(drive, home, ["Trips"]) == made.id
    assert await FolderPaths(store).ensure(drive, home, ["trips"]) == made.id, "a hashtag may be in small letters"
    forgetful = open_store(tmp_path / "another.db")
    assert await FolderPaths(forgetful).ensure(drive, home, ["Trips"]) == made.id
    await forgetful.close()
    assert await folders(drive, home) == ["Trips"]


@pytest.mark.parametrize("what", ["trashed", "moved", "renamed"])
async def test_a_folder_that_is_another_one_by_now_is_made_anew(store: Store, drive: Drive, what: str) -> None:
    paths, home = FolderPaths(store), (await drive.home()).id
    first = await paths.ensure(drive, home, ["2026"])
    if what == "trashed":
        await drive.delete(first)
    elif what == "moved":
        await drive.move(first, (await drive.make_folder(home, "Old")).id)
    else:
        await drive.rename(first, "Last year")
    second = await paths.ensure(drive, home, ["2026"])
    assert second != first
    assert "2026" in await folders(drive, home)
    assert await paths.ensure(drive, home, ["2026"]) == second


async def test_a_file_of_the_name_is_no_folder(store: Store, drive: Drive) -> None:
    home = (await drive.home()).id
    await put(drive, home, "2026")
    made = await drive.stat(await FolderPaths(store).ensure(drive, home, ["2026"]))
    assert made.is_folder
