"""What a drive that shares, or that exports documents, must do besides: mixed into the suite of each drive that declares it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.contracts.drive_contract import content_of

from telpher.drives.port import Capability, Entry, EntryId, ExportFormat, GrantRole, UploadSpec
from telpher.errors import EntryNotFoundError, GranteeInvalidError

CLARA = "clara@example.com"


class SharingContract:
    """Inherit beside the suite; needs the fixtures `drive` and `home`."""

    @pytest.fixture
    async def shared(self, drive: Any, home: EntryId) -> Entry:
        content = content_of(100)
        spec = UploadSpec(
            id=await drive.new_id(), parent_id=home, name="plan.txt", mime_type="text/plain", size_bytes=len(content)
        )
        entry: Entry = await drive.upload_small(spec, content)
        return entry

    async def test_sharing_is_declared(self, drive: Any) -> None:
        assert Capability.SHARE in drive.capabilities

    async def test_nothing_is_shared_by_itself(self, drive: Any, shared: Entry) -> None:
        assert await drive.grants(shared.id) == ()

    @pytest.mark.parametrize("who", [None, CLARA])
    async def test_each_role_in_turn_is_one_grant(self, drive: Any, shared: Entry, who: str | None) -> None:
        for role in (GrantRole.VIEW, GrantRole.EDIT, GrantRole.COMMENT, GrantRole.COMMENT):
            granted = await drive.grant(shared.id, who, role)
            assert (granted.who, granted.role) == (who, role)
            assert await drive.grants(shared.id) == (granted,)
        await drive.revoke(shared.id, granted.id)
        assert await drive.grants(shared.id) == ()
        await drive.revoke(shared.id, granted.id)

    async def test_grants_stand_beside_each_other(self, drive: Any, shared: Entry) -> None:
        link = await drive.grant(shared.id, None, GrantRole.VIEW)
        person = await drive.grant(shared.id, CLARA.upper(), GrantRole.EDIT)
        again = await drive.grant(shared.id, CLARA, GrantRole.EDIT)
        assert again.id == person.id
        assert {grant.id for grant in await drive.grants(shared.id)} == {link.id, person.id}
        await drive.revoke(shared.id, link.id)
        assert [grant.id for grant in await drive.grants(shared.id)] == [person.id]

    async def test_the_owners_right_stays(self, drive: Any, shared: Entry) -> None:
        for grant_id in ("me", "owner", "0", "../x", ""):
            await drive.revoke(shared.id, grant_id)
        assert (await drive.stat(shared.id)).name == "plan.txt"

    async def test_what_is_shared_with_nobody(self, drive: Any, shared: Entry) -> None:
        for nobody in ("not an address", ""):
            with pytest.raises(GranteeInvalidError):
                await drive.grant(shared.id, nobody, GrantRole.VIEW)
        assert await drive.grants(shared.id) == ()

    async def test_what_is_gone_is_shared_with_nobody(self, drive: Any) -> None:
        gone = await drive.new_id()
        with pytest.raises(EntryNotFoundError):
            await drive.grant(gone, None, GrantRole.VIEW)
        with pytest.raises(EntryNotFoundError):
            await drive.grants(gone)
        await drive.revoke(gone, "anyoneWithLink")


class ExportContract:
    """Inherit beside the suite; `documents` makes documents of the drive's own kinds, and says what each begins with."""

    @pytest.fixture
    async def documents(self, drive: Any) -> Callable[[], Awaitable[dict[EntryId, dict[str, bytes]]]]:
        raise AssertionError("the drive's own documents are needed")

    async def test_every_format_comes(
        self, drive: Any, documents: Callable[[], Awaitable[dict[EntryId, dict[str, bytes]]]]
    ) -> None:
        assert Capability.EXPORT in drive.capabilities
        for entry_id, expected in (await documents()).items():
            entry = await drive.stat(entry_id)
            assert entry.size_bytes is None
            formats: tuple[ExportFormat, ...] = drive.formats_of(entry)
            assert {one.suffix for one in formats} >= set(expected)
            for wanted in formats:
                if wanted.suffix in expected:
                    async with drive.export(entry_id, wanted) as chunks:
                        content = b"".join([chunk async for chunk in chunks])
                    assert content.startswith(expected[wanted.suffix]), wanted

    async def test_what_has_bytes_of_its_own_is_not_exported(self, drive: Any, home: EntryId) -> None:
        content = content_of(10)
        spec = UploadSpec(
            id=await drive.new_id(), parent_id=home, name="a.pdf", mime_type="application/pdf", size_bytes=len(content)
        )
        assert drive.formats_of(await drive.upload_small(spec, content)) == ()
        assert drive.formats_of(await drive.home()) == ()
