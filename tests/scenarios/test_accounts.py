"""What each person has linked: listed with its scope and room, switched, disconnected; shared drives, and one for a team."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_page import files_of
from tests.scenarios.google_rig import google
from tests.scenarios.linking import (
    ANNA,
    BORIS,
    connect,
    connect_whole,
    ready_to_link,
    saved,
    shows,
)

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await ready_to_link(telpher_settings, sandbox, tmp_path)


async def test_two_owners_do_not_share_a_folder(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    await saved(anna, "annas.txt")
    await saved(boris, "борису.txt")
    hers, his = await anna.ask("/files"), await boris.ask("/files")
    assert "annas.txt" in str(buttons_of(hers))
    assert "борису.txt" in str(buttons_of(his))
    assert "борису.txt" not in str(buttons_of(hers))
    assert "annas.txt" not in str(buttons_of(his))
    assert (telpher_running.drive_dir / "annas.txt").read_bytes() == b"content"
    assert (telpher_running.settings.data_dir / "drives" / "1002" / "борису.txt").exists()


async def test_accounts_shows_scope_date_and_room(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    await google(sandbox, "POST", "quota", account=ANNA, limit_bytes=1000)
    await connect(anna, sandbox, ANNA)
    await saved(anna, "half.bin", os.urandom(500))
    listed = await anna.ask("/accounts", shows("Your drives"))
    text = text_of(listed)
    assert "Folder on this server" in text
    assert f"✔️ {ANNA}" in text
    assert "only the files that I put there" in text
    assert "since " in text
    assert "▰▰▰▰▰▰▱▱▱▱▱▱ 50 %" in text
    assert "500 B of 1 KB used" in text
    await connect_whole(boris, sandbox, BORIS)
    text = text_of(await boris.ask("/accounts"))
    assert "the whole drive" in text
    assert "Folder on this server" in text
    assert ANNA not in text


async def test_switching_decides_where_new_files_go(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna, sandbox, ANNA)
    await connect(anna, sandbox, BORIS)
    await saved(anna, "first.txt")
    assert await files_of(sandbox, BORIS) == ["first.txt"]
    listed = await anna.ask("/accounts", shows("Your drives"))
    await anna.press(listed, ANNA)
    card = await anna.wait_for_change(listed, shows(ANNA, "New files here"))
    toast = await anna.press(card, "New files here")
    assert toast.text == "New files go here now"
    await telpher_running.restart()
    receipt = await saved(anna, "second.txt")
    assert await files_of(sandbox, ANNA) == ["second.txt"]
    listed = await anna.ask("/accounts")
    await anna.press(listed, "Folder")
    await anna.press(await anna.wait_for_change(listed), "New files here")
    await saved(anna, "third.txt")
    assert (telpher_running.drive_dir / "third.txt").exists()
    # Old buttons keep to the drive that they were made for.
    await anna.press(receipt, "Delete")
    await anna.wait_for(shows("second.txt", "trash"))
    assert await files_of(sandbox, ANNA) == []


async def test_disconnecting_asks_revokes_and_ends_what_is_on_its_way(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna, sandbox, ANNA)
    receipt = await saved(anna, "stays.txt")
    await telpher_running.add_fault(match="PUT /upload/", kind="bandwidth", bytes_per_s=150_000, direction="up")
    sent = await anna.send_file(os.urandom(7_000_000), name="slow.bin", kind="document")
    await anna.wait_for(shows("slow.bin", "%"), after=sent, timeout_s=30)
    listed = await anna.ask("/accounts", shows(ANNA))
    await anna.press(listed, ANNA)
    card = await anna.wait_for_change(listed, shows("Disconnect"))
    await anna.press(card, "Disconnect")
    question = await anna.wait_for_change(card, shows("Disconnect", "Yes"))
    await anna.press(question, "Keep it")
    card = await anna.wait_for_change(question, shows("Disconnect"))
    await anna.press(card, "Disconnect")
    question = await anna.wait_for_change(card, shows("Disconnect", "Yes"))
    await anna.press(question, "Yes, disconnect")
    await anna.wait_for_change(question, shows("is disconnected"))
    await anna.wait_for(shows("slow.bin", "was disconnected"), after=sent, timeout_s=30)
    revoked = await google(sandbox, "POST", "revoke", account=ANNA)
    assert revoked == {"revoked": 0}, "nothing was left to be revoked"
    assert await files_of(sandbox, ANNA) == ["stays.txt"]
    toast = await anna.press(receipt, "Get back")
    assert "disconnected" in toast.text
    await saved(anna, "to the folder.txt")
    assert (telpher_running.drive_dir / "to the folder.txt").exists()


async def test_what_two_people_linked_is_not_revoked_by_one(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    for person in (anna, boris):
        await connect(person, sandbox, ANNA)
    listed = await boris.ask("/accounts", shows(ANNA))
    await boris.press(listed, ANNA)
    await boris.press(await boris.wait_for_change(listed), "Disconnect")
    await boris.press(await boris.wait_for(shows("Yes, disconnect")), "Yes, disconnect")
    await boris.wait_for(shows(ANNA, "is disconnected"))
    await saved(anna, "still works.txt")
    assert await files_of(sandbox, ANNA) == ["still works.txt"]


async def test_shared_drives_and_a_team(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    drive_id = (await google(sandbox, "POST", "drives", name="Harvest", members={ANNA: "organizer"}))["id"]
    await connect_whole(anna, sandbox, ANNA)
    listed = await anna.ask("/accounts", shows(ANNA))
    await anna.press(listed, ANNA)
    await anna.press(await anna.wait_for_change(listed), "Shared drives")
    choices = await anna.wait_for(shows("Which shared drive", "Harvest"))
    await anna.press(choices, "Harvest")
    card = await anna.wait_for_change(choices, shows("Harvest", "shared drive", "Offer"))
    await anna.press(card, "New files here")
    card = await anna.wait_for_change(card, shows("New files go here"))
    assert "Harvest" not in text_of(await boris.ask("/accounts"))
    await saved(anna, "plan.txt")
    listed_files = await google(sandbox, "GET", "files")
    assert [file["drive_id"] for file in listed_files if file["name"] == "plan.txt"] == [drive_id]
    await anna.press(card, "Offer to the team")
    card = await anna.wait_for_change(card, shows("Your team may use it"))
    his = await boris.ask("/accounts", shows("Harvest", "your team’s shared drive"))
    await boris.press(his, "Harvest")
    his_card = await boris.wait_for_change(his, shows("New files here"))
    assert not [button for button in buttons_of(his_card) if "Disconnect" in button["text"]]
    await boris.press(his_card, "New files here")
    await saved(boris, "план.txt")
    listed_files = await google(sandbox, "GET", "files")
    assert [file["drive_id"] for file in listed_files if file["name"] == "план.txt"] == [drive_id]
    await anna.press(card, "No longer for the team")
    await anna.wait_for_change(card, shows("Offer to the team"))
    assert "Harvest" not in text_of(await boris.ask("/accounts"))
    await saved(boris, "снова свой.txt")
    assert (telpher_running.settings.data_dir / "drives" / "1002" / "снова свой.txt").exists()
