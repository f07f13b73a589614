"""Whatever a sender calls a file, the name that the drive gets is safe, readable and within every limit."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.drives.names import graphemes, natural_key, numbered, safe_name, split_extension

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
names = st.text(st.characters(exclude_categories=()), max_size=400)
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")}


def is_safe(name: str) -> bool:
    return (
        name not in {"", ".", ".."}
        and not set(name) & set('/\\<>:"|?*\0\u202e\u2066')
        and not any(unicodedata.category(character) == "Cc" for character in name)
        and name == name.strip(" .")
        and name == unicodedata.normalize("NFC", name)
        and len(name.encode()) <= 255
        and len(name.encode("utf-16-le")) // 2 <= 255
        and name.split(".", maxsplit=1)[0].strip().lower() not in RESERVED
    )


@given(names)
def test_every_name_becomes_safe(raw: str) -> None:
    assert is_safe(safe_name(raw, fallback="document"))


@given(names)
def test_a_safe_name_stays_as_it_is(raw: str) -> None:
    name = safe_name(raw, fallback="document")
    assert safe_name(name, fallback="other") == name


@given(names, st.integers(2, 10**6))
def test_a_numbered_name_is_safe_and_differs(raw: str, number: int) -> None:
    name = safe_name(raw, fallback="document")
    other = numbered(name, number)
    assert is_safe(other)
    assert other != name
    assert f" ({number})" in other


@given(names)
def test_graphemes_lose_nothing(text: str) -> None:
    assert "".join(graphemes(text)) == text


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "document"),
        ("", "document"),
        ("///", "document"),
        ("\0\x01\x1f", "document"),
        (" . hidden. ", "hidden"),
        (".bashrc", "bashrc"),
        ("C:\\Users\\a.txt", "C__Users_a.txt"),
        ("NUL", "_NUL"),
        ("con.tar.gz", "_con.tar.gz"),
        ("com¹.txt", "_com¹.txt"),
        ("console.txt", "console.txt"),
        ("cod\u202efdp.exe", "codfdp.exe"),
        ("line\none\ttwo", "line one two"),
        ("e\u0301.txt", "é.txt"),
        ("Отчёт №5.docx", "Отчёт №5.docx"),
        (f"{FAMILY}.png", f"{FAMILY}.png"),
    ],
)
def test_known_names(raw: str, name: str) -> None:
    assert safe_name(raw, fallback="document") == name


def test_a_name_of_300_emoji_survives_shortened() -> None:
    name = safe_name("😀" * 300 + ".png", fallback="photo")
    assert name == "😀" * 62 + ".png"


def test_a_long_name_keeps_its_extension_and_whole_graphemes() -> None:
    name = safe_name(FAMILY * 40 + ".tar.gz", fallback="document")
    stem, extension = split_extension(name)
    assert extension == ".tar.gz"
    assert stem == FAMILY * (len(stem) // len(FAMILY))
    assert len(name.encode()) > 220


def test_an_endless_grapheme_is_cut_all_the_same() -> None:
    name = safe_name("a" + "\u0301" * 600 + ".txt", fallback="document")
    assert name.endswith(".txt")
    assert len(name.encode()) <= 255


def test_numbers_go_in_front_of_the_extension() -> None:
    assert numbered("report.pdf", 2) == "report (2).pdf"
    assert numbered("backup.tar.gz", 3) == "backup (3).tar.gz"
    assert numbered("README", 2) == "README (2)"
    assert numbered("a" * 251 + ".pdf", 12) == "a" * 246 + " (12).pdf"


def test_a_fallback_that_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="fallback"):
        safe_name("", fallback="..")


@given(st.lists(st.text(max_size=40), max_size=20))
def test_any_names_can_be_sorted(some: list[str]) -> None:
    backwards = some[::-1]
    assert [natural_key(name) for name in sorted(some, key=natural_key)] == sorted(map(natural_key, backwards))


def test_names_sort_as_people_expect() -> None:
    assert sorted(["b10", "B2", "a", "b1"], key=natural_key) == ["a", "b1", "B2", "b10"]
    assert sorted(["10", "x", "2"], key=natural_key) == ["2", "10", "x"]
