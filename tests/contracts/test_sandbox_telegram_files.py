"""Files pass through the sandbox byte for byte, in pieces if wanted, in constant memory, and leave nothing behind when they break off."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from tests.contracts.bot_over_http import BotOverHttp, Refused
from tests.driver import ChatRefusedError, Person

from telpher.sandbox.service import Sandbox

ANNA = 1001
MIB = 1 << 20


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path / "state") as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[BotOverHttp]:
    async with BotOverHttp(sandbox) as client:
        yield client


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Person]:
    async with Person(sandbox.url, ANNA) as person:
        yield person


async def test_a_download_goes_on_where_it_broke_off(bot: BotOverHttp, anna: Person) -> None:
    content = os.urandom(300_000)
    sent = await anna.send_file(content, name="a.bin", kind="document")
    file = await bot.call("getFile", file_id=sent["document"]["file_id"])
    address = f"{bot.file_root}/{file['file_path']}"
    async with bot.http.get(address) as response:
        assert response.headers["Content-Length"] == "300000"
        assert await response.read() == content
    async with bot.http.get(address, headers={"Range": "bytes=123456-"}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == "bytes 123456-299999/300000"
        assert await response.read() == content[123_456:]
    async with bot.http.get(address, headers={"Range": "bytes=300000-"}) as response:
        assert response.status == 416


@pytest.mark.parametrize(
    "name", ["отчёт 2026.pdf", "../../etc/passwd", 'a"b\\c;d.txt', "📁" * 60 + ".txt", "no-ending", "100%25.txt", "a\tb.txt"]
)  # fmt: skip
async def test_names_arrive_as_they_were_given_and_touch_no_path(
    sandbox: Sandbox, bot: BotOverHttp, anna: Person, name: str, tmp_path: Path
) -> None:
    form = aiohttp.MultipartWriter("form-data")
    form.append("1001").set_content_disposition("form-data", name="user_id")
    form.append("document").set_content_disposition("form-data", name="kind")
    part = form.append(b"x", {"Content-Type": "text/plain"})  # type: ignore[arg-type]
    part.set_content_disposition("form-data", name="file", filename=name)
    async with bot.http.post(f"{sandbox.url}/chat/api/files", data=form) as response:
        [message] = (await response.json())["messages"]
    assert message["document"]["file_name"] == name
    file = await bot.call("getFile", file_id=message["document"]["file_id"])
    assert file["file_path"].startswith("documents/file_")
    stored = [path for path in (tmp_path / "state" / "telegram" / "files").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in stored] == [b"x"]
    async with bot.http.get(f"{sandbox.url}/chat/api/file/{file['file_id']}") as response:
        assert response.content_disposition is not None
        assert response.content_disposition.filename == name


async def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    size_bytes = 300 * MIB
    block = os.urandom(MIB)

    async def blocks() -> AsyncIterator[bytes]:
        for number in range(300):
            yield number.to_bytes(4, "big") + block[4:]

    wanted = hashlib.sha256()
    for number in range(300):
        wanted.update(number.to_bytes(4, "big") + block[4:])
    async with Sandbox(state_dir=tmp_path, local=True) as sandbox, BotOverHttp(sandbox) as bot:
        with aiohttp.MultipartWriter("form-data") as form:
            form.append(str(ANNA)).set_content_disposition("form-data", name="chat_id")
            part = form.append(blocks(), {"Content-Type": "application/octet-stream"})  # type: ignore[arg-type]
            part.set_content_disposition("form-data", name="document", filename="big.bin")
            before = psutil.Process().memory_info().rss
            peak = before

            async def watch() -> None:
                nonlocal peak
                while True:
                    peak = max(peak, psutil.Process().memory_info().rss)
                    await asyncio.sleep(0.02)

            watching = asyncio.get_running_loop().create_task(watch())
            async with bot.http.post(f"{bot.root}/sendDocument", data=form) as response:
                message = await bot.result(response)
        assert message["document"]["file_size"] == size_bytes
        got = hashlib.sha256()
        async with bot.http.get(f"{sandbox.url}/chat/api/file/{message['document']['file_id']}") as response:
            async for chunk in response.content.iter_chunked(MIB):
                got.update(chunk)
        watching.cancel()
    assert got.digest() == wanted.digest()
    assert peak - before < 64 * MIB, "both ends of the transfer run in this process"


async def test_an_upload_that_breaks_off_leaves_nothing(
    sandbox: Sandbox, bot: BotOverHttp, anna: Person, tmp_path: Path
) -> None:
    rule = {"match": "sendDocument", "kind": "cut_request", "after_bytes": 200_000, "times": 1}
    async with bot.http.post(f"{sandbox.url}/sandbox/faults", json=rule) as response:
        assert response.status == 200
    files = {"document": ("a.bin", bytes(MIB))}
    with pytest.raises(aiohttp.ClientError):
        await bot.upload("sendDocument", files, chat_id=ANNA)
    incoming = tmp_path / "state" / "telegram" / "files" / "incoming"
    async with asyncio.timeout(10):
        while list(incoming.iterdir()):
            await asyncio.sleep(0.01)
    assert anna.messages == []
    await bot.upload("sendDocument", files, chat_id=ANNA)
    await anna.wait_for(lambda message: "document" in message)


async def test_one_upload_may_stand_in_two_messages(bot: BotOverHttp, tmp_path: Path) -> None:
    item = {"type": "document", "media": "attach://one"}
    sent = await bot.upload("sendMediaGroup", {"one": ("a.txt", b"x")}, chat_id=ANNA, media=json.dumps([item, item]))
    assert len({message["document"]["file_id"] for message in sent}) == 2
    files = tmp_path / "state" / "telegram" / "files"
    assert sorted(path.parent.name for path in files.rglob("*") if path.is_file()) == ["documents", "documents"]


async def test_an_unwanted_upload_leaves_nothing(bot: BotOverHttp, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="chat not found"):
        await bot.upload("sendDocument", {"document": ("a", b"x")}, chat_id=42)
    with pytest.raises(Refused, match="Request Entity Too Large"):
        await bot.upload("sendDocument", {"document": ("a", bytes(52 * MIB))}, chat_id=ANNA)
    with pytest.raises(Refused, match="file is too big for a photo"):
        await bot.upload("sendPhoto", {"photo": ("a.png", bytes(11 * MIB))}, chat_id=ANNA)
    assert [path for path in (tmp_path / "state" / "telegram" / "files").rglob("*") if path.is_file()] == []


async def test_files_sent_together_become_albums_as_the_app_makes_them(anna: Person) -> None:
    texts = [(b"x", f"{number}.txt") for number in range(12)]
    messages = await anna.send_album(
        [(JPEG, "1.jpg"), (MP4, "2.mp4"), *texts, (b"GIF89a\1\0\1\0", "g.gif")], caption="all"
    )
    groups = [message.get("media_group_id") for message in messages]
    assert [groups.count(group) for group in dict.fromkeys(groups)] == [2, 10, 2, 1]
    assert groups[-1] is None
    assert [message.get("caption") for message in messages] == ["all"] + [None] * 14


async def test_a_person_is_told_what_is_wrong(anna: Person) -> None:
    with pytest.raises(ChatRefusedError, match="file must be non-empty"):
        await anna.send_file(b"", name="empty.txt")
    with pytest.raises(ChatRefusedError, match="no kind of file called hologram"):
        await anna.send_file(b"x", name="a.txt", kind="hologram")


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


MVHD = box(b"mvhd", bytes(12) + struct.pack(">II", 600, 1500) + bytes(80))
TKHD = box(b"tkhd", bytes(76) + struct.pack(">II", 640 << 16, 360 << 16))
MP4 = box(b"ftyp", b"isom") + box(b"mdat", bytes(1000)) + box(b"moov", MVHD + box(b"trak", TKHD))
OPUS = b"OggS" + bytes(24) + b"OpusHead" + bytes(40) + b"OggS\0\4" + struct.pack("<q", 48_000 * 7) + bytes(14)
WAV = b"RIFF" + bytes(4) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data" + bytes(16_004)
JPEG = b"\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x0b\x08\x00\x30\x00\x40\x01\x01\x11\x00\xff\xd9"
WEBP = b"RIFF" + bytes(4) + b"WEBPVP8X" + bytes(8) + (99).to_bytes(3, "little") + (49).to_bytes(3, "little") + bytes(30)


@pytest.mark.parametrize(
    ("name", "content", "kind", "told"),
    [
        ("film.mp4", MP4, "video", {"width": 640, "height": 360, "duration": 2}),
        ("talk.ogg", OPUS, "audio", {"duration": 7}),
        ("p.jpg", JPEG, "photo", {"width": 64, "height": 48}),
        ("p.webp", WEBP, "photo", {"width": 100, "height": 50}),
        ("loop.gif", b"GIF89a\x0a\x00\x05\x00;", "animation", {"width": 10, "height": 5}),
        ("sound.wav", WAV, "document", {}),
        ("broken.jpg", b"\xff\xd8\xff\xe0", "document", {}),
        ("broken.mp4", box(b"ftyp", b"isom") + b"\0\0\0\x09moov", "video", {"width": 0, "height": 0}),
        ("notes.txt", b"x", "document", {"mime_type": "text/plain"}),
        ("backup.tar.gz", b"x", "document", {"mime_type": "application/gzip"}),
        ("unknown.zzz", b"x", "document", {"mime_type": "application/octet-stream"}),
        ("lossless.flac", b"x", "audio", {"mime_type": "audio/flac"}),
    ],
)
async def test_the_app_guesses_the_kind_and_the_server_measures(
    anna: Person, name: str, content: bytes, kind: str, told: dict[str, Any]
) -> None:
    message = await anna.send_file(content, name=name)
    media = message[kind][-1] if kind == "photo" else message[kind]
    assert {key: media[key] for key in told} == told
    assert await anna.download(message) == content
