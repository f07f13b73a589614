"""What incoming files are called."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.actions.naming import FileKind, keep_suffix, mime_type_of, name_of

SENT_AT = dt.datetime(2026, 11, 22, 19, 5, 7, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("kind", "file_name", "mime_type", "caption", "name"),
    [
        (FileKind.DOCUMENT, "report.pdf", "application/pdf", None, "report.pdf"),
        (FileKind.DOCUMENT, "LICENSE", "text/plain", None, "LICENSE"),
        (FileKind.DOCUMENT, "archive.tar.gz", "application/gzip", None, "archive.tar.gz"),
        (FileKind.DOCUMENT, "../../etc/passwd", "text/plain", None, "passwd"),
        (FileKind.DOCUMENT, "C:\\Users\\a\\evil.exe", None, None, "evil.exe"),
        (FileKind.DOCUMENT, "..", None, None, "file 2026-11-22 19-05-07.bin"),
        (FileKind.DOCUMENT, "////", None, None, "file 2026-11-22 19-05-07.bin"),
        (FileKind.DOCUMENT, None, "application/pdf", None, "file 2026-11-22 19-05-07.pdf"),
        (FileKind.PHOTO, None, None, None, "photo 2026-11-22 19-05-07.jpg"),
        (FileKind.VIDEO, None, "video/mp4", None, "video 2026-11-22 19-05-07.mp4"),
        (FileKind.VIDEO, "clip", "video/quicktime", None, "clip.mov"),
        (FileKind.VOICE, None, "audio/ogg", None, "voice message 2026-11-22 19-05-07.ogg"),
        (FileKind.VIDEO_NOTE, None, None, None, "video message 2026-11-22 19-05-07.mp4"),
        (FileKind.STICKER, None, "application/x-tgsticker", None, "sticker 2026-11-22 19-05-07.tgs"),
        (FileKind.STICKER, None, "video/webm", None, "sticker 2026-11-22 19-05-07.webm"),
        (FileKind.AUDIO, "Nina Simone – Feeling Good", "audio/mpeg", None, "Nina Simone – Feeling Good.mp3"),
        (FileKind.PHOTO, None, None, "Evening at the lake\nmore", "Evening at the lake.jpg"),
        (FileKind.PHOTO, None, None, "  \n\nSecond line counts  ", "Second line counts.jpg"),
        (FileKind.DOCUMENT, "a.pdf", "application/pdf", "Contract v. 2", "Contract v. 2.pdf"),
        (FileKind.DOCUMENT, "a.pdf", "application/pdf", "Contract.PDF", "Contract.PDF"),
        (FileKind.DOCUMENT, "a.pdf", "application/pdf", "and/or", "and_or.pdf"),
        (FileKind.DOCUMENT, "a.pdf", "application/pdf", "../../x", "_.._x.pdf"),
    ],
)
def test_names(kind: FileKind, file_name: str | None, mime_type: str | None, caption: str | None, name: str) -> None:
    found = name_of(kind, file_name, mime_type_of(kind, mime_type, file_name), caption, SENT_AT)
    assert found == name


@pytest.mark.parametrize(
    ("kind", "language", "name"),
    [
        (FileKind.PHOTO, "ru", "фото 2026-11-22 19-05-07.jpg"),
        (FileKind.VOICE, "ru", "голосовое сообщение 2026-11-22 19-05-07.ogg"),
        (FileKind.VIDEO_NOTE, "ru", "видеосообщение 2026-11-22 19-05-07.mp4"),
        (FileKind.PHOTO, "de", "photo 2026-11-22 19-05-07.jpg"),
        (FileKind.PHOTO, "", "photo 2026-11-22 19-05-07.jpg"),
    ],
)
def test_what_has_no_name_is_named_in_the_persons_language(kind: FileKind, language: str, name: str) -> None:
    assert name_of(kind, None, mime_type_of(kind, None), None, SENT_AT, language=language) == name


def test_three_hundred_emoji_are_cut_and_keep_their_extension() -> None:
    name = name_of(FileKind.DOCUMENT, "😀" * 300 + ".txt", "text/plain", None, SENT_AT)
    assert name.endswith("😀.txt")
    assert len(name.encode()) <= 255


def test_a_novel_as_a_caption_is_cut_between_words() -> None:
    name = name_of(FileKind.PHOTO, None, "image/jpeg", "word " * 100, SENT_AT)
    assert name.endswith("word.jpg")
    assert len(name) < 130


@given(
    file_name=st.text(max_size=400) | st.none(),
    caption=st.text(max_size=400) | st.none(),
    kind=st.sampled_from(FileKind),
)
def test_whatever_is_claimed_the_name_is_one_safe_part(
    file_name: str | None, caption: str | None, kind: FileKind
) -> None:
    name = name_of(kind, file_name, mime_type_of(kind, None, file_name), caption, SENT_AT)
    assert name not in {"", ".", ".."}
    assert not set(name) & set("/\\\0\n\r")
    assert len(name.encode()) <= 255


@pytest.mark.parametrize(
    ("new_name", "old_name", "kept"),
    [
        ("summer", "IMG_1.jpg", "summer.jpg"),
        ("summer.png", "IMG_1.jpg", "summer.png"),
        ("Dr. Who", "a.pdf", "Dr. Who.pdf"),
        ("version 1.2", "a.pdf", "version 1.2.pdf"),
        ("notes", "LICENSE", "notes"),
    ],
)
def test_a_new_name_keeps_the_extension(new_name: str, old_name: str, kept: str) -> None:
    assert keep_suffix(new_name, old_name) == kept
