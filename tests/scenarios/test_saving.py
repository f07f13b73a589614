"""Send anything: it lands in the drive, byte for byte, under a sensible name, with one receipt."""

from __future__ import annotations

import os
import re

import pytest
from tests.driver import ChatRefusedError, Person, buttons_of, has_text, is_from_bot, text_of
from tests.scenarios.conftest import TelpherRunning, both_databases
from tests.scenarios.waits import all_is_handled, from_bot, kept_files

pytestmark = pytest.mark.both_languages

MIB = 1 << 20
# As much of a JPEG as says how large the picture is: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.2.2
JPEG = bytes.fromhex("ffd8 ffc0 0011 08 0258 0320 03 012200 021101 031101")


def labels(message: dict[str, object]) -> list[str]:
    return [button["text"] for button in buttons_of(message)]


def names(running: TelpherRunning) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in kept_files(running))


# What has no name of its own is called after its kind.
NAMELESS = {
    "photo": {"en": "photo", "ru": "фото"},
    "voice": {"en": "voice message", "ru": "голосовое сообщение"},
    "video_note": {"en": "video message", "ru": "видеосообщение"},
    "sticker": {"en": "sticker", "ru": "стикер"},
}


@pytest.mark.parametrize(
    ("kind", "file_name", "pattern"),
    [
        ("document", "report.pdf", r"report\.pdf"),
        ("photo", "IMG.jpg", r"WORD \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.jpg"),
        ("video", "clip.mp4", r"clip\.mp4"),
        ("audio", "song.mp3", r"song\.mp3"),
        ("voice", "voice.ogg", r"WORD \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.\w+"),
        ("animation", "cat.mp4", r"cat\.mp4"),
        ("video_note", "note.mp4", r"WORD \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.mp4"),
        ("sticker", "sticker.webp", r"WORD \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.webp"),
    ],
)
async def test_every_kind_of_file_lands(
    telpher_running: TelpherRunning, anna: Person, kind: str, file_name: str, pattern: str, language: str
) -> None:
    content = (JPEG if kind == "photo" else b"") + os.urandom(30_000)
    sent = await anna.send_file(content, name=file_name, kind=kind)
    receipt = await anna.wait_for(has_text("verified"), after=sent)
    assert receipt["reply_to_message"]["message_id"] == sent["message_id"]
    assert labels(receipt)[-4:] == ["✏️ Rename", "📦 Move", "☆ Star", "🗑 Delete"]
    assert len(from_bot(anna)) == 1, "one message per file"
    ((path, kept),) = kept_files(telpher_running).items()
    word = NAMELESS[kind][language] if kind in NAMELESS else ""
    assert re.fullmatch(pattern.replace("WORD", word), path.rpartition("/")[2])
    assert kept == content


@both_databases
async def test_an_album_has_one_receipt(telpher_running: TelpherRunning, anna: Person) -> None:
    files = {f"page {number}.txt": os.urandom(5000) for number in range(1, 6)}
    sent = await anna.send_album([(content, name) for name, content in files.items()], kind="document")
    receipt = await anna.wait_for(has_text("5 files", "all in the drive, verified"))
    assert receipt["reply_to_message"]["message_id"] == sent[0]["message_id"]
    assert labels(receipt) == ["1", "2", "3", "4", "5"]
    assert len(from_bot(anna)) == 1
    assert {path.rpartition("/")[2]: content for path, content in kept_files(telpher_running).items()} == files


async def test_an_albums_files_are_a_press_away(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.send_album([(b"one", "one.txt"), (b"two", "two.txt")], kind="document")
    receipt = await anna.wait_for(has_text("2 files", "verified"))
    await anna.press(receipt, "2")
    card = await anna.wait_for(has_text("two.txt", "3 B"))
    assert card["message_id"] == receipt["message_id"]
    await anna.press(card, "Delete")
    trashed = await anna.wait_for(has_text("two.txt", "trash"))
    await anna.press(trashed, "Back")
    again = await anna.wait_for(has_text("2 files", "🗑 2. two.txt"))
    assert labels(again) == ["1", "2"]
    assert names(telpher_running) == ["one.txt"]


async def test_a_forwarded_file_lands_and_keeps_its_time(telpher_running: TelpherRunning, anna: Person) -> None:
    sent = await anna.send_file(b"first", name="first.txt")
    await anna.wait_for(has_text("first.txt", "verified"), after=sent)
    forwarded = await anna.forward(sent)
    receipt = await anna.wait_for(has_text("verified"), after=forwarded)
    assert receipt["reply_to_message"]["message_id"] == forwarded["message_id"]
    assert sorted(kept_files(telpher_running).values()) == [b"first", b"first"]


@both_databases
async def test_two_files_with_one_name_are_both_kept(telpher_running: TelpherRunning, anna: Person) -> None:
    for content in (b"one", b"two", b"three"):
        sent = await anna.send_file(content, name="same.txt")
        await anna.wait_for(has_text("same", "verified"), after=sent)
    assert names(telpher_running) == ["same (2).txt", "same (3).txt", "same.txt"]
    assert sorted(kept_files(telpher_running).values()) == [b"one", b"three", b"two"]


async def test_a_captions_first_line_is_the_name(telpher_running: TelpherRunning, anna: Person) -> None:
    sent = await anna.send_file(
        JPEG + b"x" * 100, name="IMG_0001.jpg", kind="photo", caption="Evening at the lake\n#summer"
    )
    await anna.wait_for(has_text("Evening at the lake.jpg", "verified"), after=sent)
    assert names(telpher_running) == ["Evening at the lake.jpg"]


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("CON", "_CON"),
        ("<b>bold</b> & co.txt", "b_ & co.txt"),
    ],
)
async def test_hostile_names_stay_inside_the_drive(
    telpher_running: TelpherRunning, anna: Person, claimed: str, kept: str
) -> None:
    await anna.send_file(b"root:x:0:0", name=claimed, kind="document")
    await anna.wait_for(has_text("verified"))
    assert names(telpher_running) == [kept]


async def test_a_name_of_three_hundred_emoji_is_cut(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.send_file(b"emoji", name="😀" * 300 + ".txt", kind="document")
    await anna.wait_for(has_text("😀", "verified"))
    (name,) = names(telpher_running)
    assert name.endswith("😀.txt")
    assert len(name.encode()) <= 255


async def test_a_file_of_no_bytes_is_refused_by_telegram_and_answered_by_us(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    with pytest.raises(ChatRefusedError, match="non-empty"):
        await anna.send_file(b"", name="empty.txt", kind="document")
    telpher_running.drive_dir.mkdir(exist_ok=True)
    (telpher_running.drive_dir / "empty.txt").write_bytes(b"")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "empty.txt")
    card = await anna.wait_for(has_text("empty.txt", "0 B"))
    toast = await anna.press(card, "Get back")
    assert "empty" in toast.text
    assert toast.is_alert


async def test_what_is_over_the_limit_is_refused_with_why_and_what_to_do(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    sent = await anna.send_file(bytes(25 * MIB), name="big.bin", kind="document")
    refusal = await anna.wait_for(is_from_bot, after=sent)
    for words in ("big.bin", "20 MB", "local Bot API server"):
        assert words in text_of(refusal)
    assert refusal["reply_to_message"]["message_id"] == sent["message_id"]
    await all_is_handled(telpher_running, anna)
    assert kept_files(telpher_running) == {}


@both_databases
async def test_a_replayed_update_makes_no_second_file(telpher_running: TelpherRunning, anna: Person) -> None:
    sent = await anna.send_file(b"once", name="once.txt", kind="document")
    await anna.wait_for(has_text("once.txt", "verified"))
    await anna.raw_update({"message": sent})
    await all_is_handled(telpher_running, anna)
    assert names(telpher_running) == ["once.txt"]
    assert len([message for message in from_bot(anna) if "once.txt" in text_of(message)]) == 1


async def test_the_receipt_is_edited_at_a_pace_that_a_chat_bears(telpher_running: TelpherRunning, anna: Person) -> None:
    await telpher_running.add_fault(
        match="GET /file/", kind="bandwidth", bytes_per_s=1_500_000, direction="down", times=1
    )
    await anna.send_file(os.urandom(6 * MIB), name="slow.bin", kind="document")
    await anna.wait_for(has_text("slow.bin", "%", "left"))
    await anna.wait_for(has_text("slow.bin", "verified"), timeout_s=30)
    edits = [event for event in anna.events if event["type"] == "edited"]
    shown = [text_of(event["message"]) for event in edits]
    assert len(shown) == len(set(shown)), "no edit without a change"
    assert 2 <= len(edits) <= 5
    assert len(from_bot(anna)) == 1
