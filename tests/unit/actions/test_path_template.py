"""Path templates and captions: any text is a safe path or a clear refusal, and no part of it leads out of its folder."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.actions.naming import FileKind
from telpher.actions.path_template import (
    FIELDS,
    FileFacts,
    FolderPath,
    PathTemplate,
    TemplateInvalidError,
    path_in_caption,
)
from telpher.drives.names import safe_name

SENT_AT = dt.datetime(2026, 3, 7, 9, 30, tzinfo=dt.UTC)
PHOTO = FileFacts(FileKind.PHOTO, "image/jpeg", SENT_AT)
FACTS = st.builds(
    FileFacts,
    st.sampled_from(FileKind),
    st.sampled_from(["image/png", "application/pdf", "application/zip", "text/x-a", "application/octet-stream", ""]),
    st.datetimes(timezones=st.just(dt.UTC)),
)
PIECES = st.sampled_from(
    [*(f"{{{field}}}" for field in FIELDS), "/", "..", ".", " ", "\\", "a", "é", "CON", "\u202e", "\n", "#"]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60)


def is_safe(path: FolderPath) -> bool:
    return all(name == safe_name(name, fallback="") and name not in {"", ".", ".."} for name in path.names)


@pytest.mark.parametrize(
    ("template", "names", "is_from_top"),
    [
        ("{year}/{month}/{kind}", ("2026", "03", "Pictures"), False),
        ("/Archive/{year}-{month}-{day}", ("Archive", "2026-03-07"), True),
        ("  Telegram / {kind}  ", ("Telegram", "Pictures"), False),
        ("a//b/", ("a", "b"), False),
        ("../../etc/{year}", ("etc", "2026"), False),
        ("{{braces}}", ("{braces}",), False),
    ],
)
def test_a_template_is_filled(template: str, names: tuple[str, ...], is_from_top: bool) -> None:
    assert PathTemplate(template).fill(PHOTO, "en") == FolderPath(names, is_from_top)


@pytest.mark.parametrize(
    ("facts", "english", "russian"),
    [
        (PHOTO, "Pictures", "Фото"),
        (FileFacts(FileKind.DOCUMENT, "image/png", SENT_AT), "Pictures", "Фото"),
        (FileFacts(FileKind.DOCUMENT, "application/pdf", SENT_AT), "Documents", "Документы"),
        (FileFacts(FileKind.DOCUMENT, "application/x-unknown", SENT_AT), "Other", "Прочее"),
        (FileFacts(FileKind.VOICE, "audio/ogg", SENT_AT), "Voice messages", "Голосовые"),
        (FileFacts(FileKind.VIDEO_NOTE, "video/mp4", SENT_AT), "Videos", "Видео"),
    ],
)
def test_kinds_have_words(facts: FileFacts, english: str, russian: str) -> None:
    template = PathTemplate("{kind}")
    assert template.fill(facts, "en").names == template.fill(facts, "xx").names == (english,)
    assert template.fill(facts, "ru").names == (russian,)


@pytest.mark.parametrize(
    "template",
    [
        "",
        "   ",
        "/",
        "../..",
        "{",
        "{year",
        "year}",
        "{hour}",
        "{}",
        "{0}",
        "{year!r}",
        "{year:>9}",
        "{year.real}",
        "{kind[0]}",
        "a/" * 9,
        "x" * 201,
    ],
)
def test_what_is_no_template_says_so(template: str) -> None:
    with pytest.raises(TemplateInvalidError) as caught:
        PathTemplate(template)
    assert "{year}" in str(caught.value.params["fields"])


@given(TEXTS, FACTS, st.sampled_from(["en", "ru", ""]))
def test_any_text_is_a_safe_path_or_refused(text: str, facts: FileFacts, language: str) -> None:
    try:
        template = PathTemplate(text)
    except TemplateInvalidError:
        return
    path = template.fill(facts, language)
    assert is_safe(path)
    assert len(path.names) <= 8
    # What was shown before it was taken is what it means after it was kept.
    assert PathTemplate(template.text).fill(facts, language) == path


@pytest.mark.parametrize(
    ("caption", "path", "rest"),
    [
        (None, None, None),
        ("Evening at the lake", None, "Evening at the lake"),
        ("#Trips", FolderPath(("Trips",)), None),
        ("Tram in the rain #Trips", FolderPath(("Trips",)), "Tram in the rain"),
        ("#Поездки трамвай", FolderPath(("Поездки",)), "трамвай"),
        ("/Trips/Lisbon", FolderPath(("Trips", "Lisbon"), is_from_top=True), None),
        ("/Trips/Lisbon/\nTram", FolderPath(("Trips", "Lisbon"), is_from_top=True), "Tram"),
        ("/", FolderPath((), is_from_top=True), None),
        ("/../../etc", FolderPath(("etc",), is_from_top=True), None),
        ("C#sharp", None, "C#sharp"),
        ("# heading", None, "# heading"),
        ("and/or", None, "and/or"),
    ],
)
def test_a_caption_may_send_its_file_somewhere(caption: str | None, path: FolderPath | None, rest: str | None) -> None:
    assert path_in_caption(caption) == (path, rest)


@given(TEXTS | st.text(max_size=40).map(lambda text: "/" + text) | st.text(max_size=40).map(lambda text: "#" + text))
def test_no_caption_leads_out(caption: str) -> None:
    path, rest = path_in_caption(caption)
    assert path is None or is_safe(path)
    assert rest is None or len(rest) <= len(caption)
