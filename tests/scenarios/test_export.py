"""What has no bytes of its own comes back as PDF or in Office's format, and pictures and films as the app shows them."""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import Outside, google, over_google
from tests.scenarios.waits import press_until_accepted

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
def owners() -> tuple[int, ...]:
    """The first has the Google Drive."""
    return (1001, 1002)


@pytest.fixture
async def telpher_settings(
    telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path, owners: tuple[int, ...]
) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path, owners)


def png(side: int = 16) -> bytes:
    """A small red picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xff\0\0" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def opened(person: Person, name: str, title: str = "Your drive") -> Message:
    """The card of an entry in the root."""
    listing = await person.ask("/files", has_text(title))
    await person.press(listing, name)
    return await person.wait_for(lambda one: has_text(name)(one) and buttons_of(one) != buttons_of(listing))


@pytest.mark.parametrize(
    ("kind", "office", "member"),
    [
        ("document", "docx", "word/document.xml"),
        ("spreadsheet", "xlsx", "xl/workbook.xml"),
        ("presentation", "pptx", "ppt/presentation.xml"),
    ],
)
async def test_a_google_document_comes_in_the_format_that_was_chosen(
    telpher_running: TelpherRunning, anna: Person, kind: str, office: str, member: str
) -> None:
    body = {"name": "Quarterly", "mime_type": f"application/vnd.google-apps.{kind}", "text": "one,two"}
    await google(telpher_running.sandbox, "POST", "documents", **body)
    card = await opened(anna, "Quarterly")
    labels = [button["text"] for button in buttons_of(card)]
    assert "📥 Get back" not in labels
    await anna.press(card, "📥 PDF")
    sent = await anna.wait_for(lambda message: "document" in message, after=card)
    assert sent["document"]["file_name"] == "Quarterly.pdf"
    assert (await anna.download(sent)).startswith(b"%PDF-")
    for _ in range(2):
        last = anna.last_message
        await press_until_accepted(anna, card, f"📥 {office.upper()}")
        sent = await anna.wait_for(lambda message: "document" in message, after=last)
        assert sent["document"]["file_name"] == f"Quarterly.{office}"
        assert member in zipfile.ZipFile(BytesIO(await anna.download(sent))).namelist()
    exports = await (await Outside.of(telpher_running.sandbox)).requests("/export")
    assert len(exports) == 2, "what was sent before is not converted again"


async def test_a_document_that_is_too_long_to_convert_says_so(telpher_running: TelpherRunning, anna: Person) -> None:
    await google(telpher_running.sandbox, "POST", "documents", name="Saga")
    card = await opened(anna, "Saga")
    refusal = {"code": 403, "message": "too large", "errors": [{"reason": "exportSizeLimitExceeded"}]}
    await telpher_running.add_fault(
        match="GET .*/export", kind="status", status=403, body=json.dumps({"error": refusal}), times=1
    )
    await anna.press(card, "📥 PDF")
    await anna.wait_for(has_text("Saga.pdf", "convert documents this large"), after=card)


async def test_a_picture_is_shown_and_also_comes_as_it_is(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.send_file(png(), name="red.png", kind="document")
    receipt = await anna.wait_for(has_text("red.png", "verified"))
    for _ in range(2):
        last = anna.last_message
        await press_until_accepted(anna, receipt, "Show here")
        shown = await anna.wait_for(lambda message: "photo" in message, after=last)
        assert shown["from"]["is_bot"]
    last = anna.last_message
    await anna.press(receipt, "Get back")
    returned = await anna.wait_for(lambda message: "document" in message, after=last)
    assert await anna.download(returned) == png()


async def test_what_telegram_cannot_show_comes_as_a_file(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.send_file(png(), name="odd.png", kind="document")
    receipt = await anna.wait_for(has_text("odd.png", "verified"))
    answer = {"ok": False, "error_code": 400, "description": "Bad Request: PHOTO_INVALID_DIMENSIONS"}
    await telpher_running.add_fault(match="sendPhoto", kind="status", status=400, body=json.dumps(answer), times=1)
    await anna.press(receipt, "Show here")
    returned = await anna.wait_for(lambda message: "document" in message, after=receipt)
    assert await anna.download(returned) == png()


@pytest.mark.one_language
@pytest.mark.parametrize("owners", [(1002, 1001)])
async def test_russian_buttons(telpher_running: TelpherRunning) -> None:
    async with Person(telpher_running.sandbox.url, 1002) as boris:
        await boris.send_file(os.urandom(2000), name="фильм.mp4", kind="document")
        receipt = await boris.wait_for(has_text("фильм.mp4", "проверено"))
        assert "👁 Показать здесь" in [button["text"] for button in buttons_of(receipt)]
        await boris.press(receipt, "Показать здесь")
        await boris.wait_for(lambda message: "video" in message, after=receipt)
