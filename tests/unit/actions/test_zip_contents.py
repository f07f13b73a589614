"""What goes into a zip: everything, each under a name that is safe and its own, and never more than one zip can take."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.google_account import GoogleAccount, google_account

from telpher.actions import zip_contents
from telpher.actions.zip_contents import TooMuchToZipError, Walk
from telpher.drives.folder import FolderDrive
from telpher.drives.google import GoogleDrive
from telpher.drives.names import safe_name
from telpher.drives.port import EntryId, UploadSpec
from telpher.transfers.zip_stream import Member, ZipLayout


async def read(members: tuple[Member, ...]) -> zipfile.ZipFile:
    data = b"".join([chunk async for chunk in ZipLayout().chunks(members)])
    assert len(data) == ZipLayout().size_of(members)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[FolderDrive]:
    (tmp_path / "drive").mkdir()
    opened = FolderDrive(tmp_path / "drive")
    yield opened
    await opened.close()


async def test_a_folder_drive_zips_too(drive: FolderDrive, tmp_path: Path) -> None:
    root = tmp_path / "drive"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "deep.txt").write_bytes(b"deep")
    (root / "a" / "top.txt").write_bytes(b"top")
    (top,) = (await drive.children((await drive.root()).id)).entries
    contents = await Walk(drive, None).run([top])
    archive = await read(contents.members)
    assert {name: archive.read(name) for name in archive.namelist()} == {"b/deep.txt": b"deep", "top.txt": b"top"}


async def test_several_entries_keep_their_folders(drive: FolderDrive, tmp_path: Path) -> None:
    root = tmp_path / "drive"
    (root / "one").mkdir()
    (root / "one" / "same.txt").write_bytes(b"1")
    (root / "same.txt").write_bytes(b"2")
    contents = await Walk(drive, None).run((await drive.children((await drive.root()).id)).entries)
    archive = await read(contents.members)
    assert {name: archive.read(name) for name in archive.namelist()} == {"one/same.txt": b"1", "same.txt": b"2"}


async def test_too_many_are_refused(drive: FolderDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        (tmp_path / "drive" / f"{number}.txt").write_bytes(b"x")
    monkeypatch.setattr(zip_contents, "ENTRIES_LIMIT", 10)
    with pytest.raises(TooMuchToZipError) as caught:
        await Walk(drive, None).run([await drive.root()])
    assert caught.value.params == {"limit": 10}


async def test_the_walk_stops_where_the_zip_is_too_large_already(drive: FolderDrive, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "drive" / name).mkdir()
        (tmp_path / "drive" / name / "x.bin").write_bytes(bytes(1000))
    contents = await Walk(drive, 1500).run([await drive.root()])
    assert 1500 < sum(member.size_bytes for member in contents.members) < 3000


@given(st.lists(st.text(max_size=40), max_size=20))
def test_names_are_safe_and_told_apart(names: list[str]) -> None:
    taken: set[str] = set()
    given_names = [zip_contents._unique(name, taken) for name in names]
    assert len({name.casefold() for name in given_names}) == len(names)
    for name in given_names:
        assert safe_name(name, fallback="other") == name
        assert "/" not in name
        assert "\\" not in name


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[GoogleAccount]:
    async with google_account(tmp_path) as account:
        yield account


async def test_what_cannot_be_converted_comes_as_a_shortcut(account: GoogleAccount) -> None:
    drive: GoogleDrive = await account.open()
    folder = await drive.make_folder((await drive.home()).id, "Papers")
    google = "application/vnd.google-apps"
    for name, kind in (("Report", "document"), ("Sums", "spreadsheet"), ("Survey", "form")):
        body = {"name": name, "mime_type": f"{google}.{kind}", "parent_id": folder.id}
        await account.post("/sandbox/google/documents", body)
    spec = UploadSpec(
        id=await drive.new_id(), parent_id=folder.id, name="Report.docx", mime_type="text/plain", size_bytes=1
    )
    await drive.upload_small(spec, b"x")
    contents = await Walk(drive, None).run([folder])
    paths = {document.path for document in contents.documents} | {member.path for member in contents.members}
    assert len(paths) == 4
    assert {"Sums.xlsx", "Survey.url"} <= paths
    assert {path for path in paths if path.startswith("Report")} == {"Report.docx", "Report (2).docx"}
    (shortcut,) = (member for member in contents.members if member.path == "Survey.url")
    archive = await read((shortcut,))
    link = (await drive.stat(EntryId(await _id_of(drive, folder.id, "Survey")))).link
    assert link is not None
    assert archive.read("Survey.url").decode() == f"[InternetShortcut]\r\nURL={link}\r\n"


async def _id_of(drive: GoogleDrive, folder_id: EntryId, name: str) -> str:
    return next(entry.id for entry in (await drive.children(folder_id)).entries if entry.name == name)
