"""Names that every drive can keep: made safe, cut where a reader would cut, numbered where taken, sorted as people expect.

The rules are the union of what file systems and drives forbid, so that a name survives every later move: POSIX forbids `/` and NUL and
allows 255 bytes (NAME_MAX, https://man7.org/linux/man-pages/man0/limits.h.0p.html); Windows forbids more and counts 255 UTF-16 units,
see https://learn.microsoft.com/windows/win32/fileio/naming-a-file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LIMIT_BYTES = 255
LIMIT_UTF16_UNITS = 255

_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN = str.maketrans(dict.fromkeys('/\\<>:"|?*', "_"))
# Line and paragraph separators, and what turns the direction of text around, so that `exe.pdf` could read as `fdp.exe`.
_DECEPTIVE = frozenset("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_SPACES = re.compile(r"\s+")
_EXTENSION = re.compile(r"(?:\.tar)?\.[^\s.]{1,16}\Z")
_DIGITS = re.compile(r"(\d+)")
_NUMBER = re.compile(r" \(\d{1,9}\)\Z")

_ZWJ = "\u200d"


def safe_name(raw: str, *, fallback: str) -> str:
    """`raw` as one path component that any drive can keep, at most 255 bytes of UTF-8 and 255 UTF-16 units; `fallback` if nothing is left.

    Separators become `_`; control and direction-changing characters go; dots and spaces at both ends go; a name that Windows reserves gets
    a `_`; the rest is NFC. A long name is cut between graphemes, in front of its extension. A safe name comes back unchanged.
    """
    name = _clean(raw)
    if not name.strip("._ "):
        name = _clean(fallback)
    if not name.strip("._ "):
        raise ValueError("the fallback is not a name")
    return name


def numbered(name: str, number: int) -> str:
    """`name` with ` (number)` in front of its extension, still safe: `report.pdf` and 2 give `report (2).pdf`."""
    stem, extension = split_extension(name)
    return _fit(stem, f" ({number})", extension)


def split_extension(name: str) -> tuple[str, str]:
    """The stem and the extension with its dot; `.tar.gz` and its like count as one."""
    found = _EXTENSION.search(name)
    return (name[: found.start()], found[0]) if found and found.start() > 0 else (name, "")


def natural_key(name: str) -> tuple[str | int, ...]:
    """Sorts as people expect: `2.txt` before `10.txt`, capitals beside small letters.

    Text and numbers take turns, text first, so that any two keys compare. A quarter of natsort's time, and a large folder needs one for
    each of its entries on every page.
    """
    parts: list[str | int] = list(_DIGITS.split(name.casefold()))
    parts[1::2] = map(int, parts[1::2])
    return tuple(parts)


def graphemes(text: str) -> Iterator[str]:
    """What a reader takes for one character: a base with its marks, an emoji sequence, a flag, a Hangul syllable.

    A close approximation of https://unicode.org/reports/tr29/ from the standard library's tables alone.
    """
    cluster = ""
    for character in text:
        if cluster and not _joins(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _joins(cluster: str, character: str) -> bool:
    code = ord(character)
    if character == _ZWJ or cluster[-1] == _ZWJ or unicodedata.category(character) in {"Mn", "Me", "Mc"}:
        return True
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:  # skin tones; tags of regional flags
        return True
    if _is_regional(character):
        return len(cluster) == 1 and _is_regional(cluster)
    # Conjoining vowels and final consonants, where NFC could not compose them.
    return 0x1160 <= code <= 0x11FF and (0x1100 <= ord(cluster[-1]) <= 0x11FF or 0xAC00 <= ord(cluster[-1]) <= 0xD7A3)


def _is_regional(character: str) -> bool:
    return 0x1F1E6 <= ord(character[0]) <= 0x1F1FF


def _clean(raw: str) -> str:
    text = unicodedata.normalize("NFC", raw)
    text = _SPACES.sub(" ", text).translate(_FORBIDDEN)
    text = "".join(character for character in text if character not in _DECEPTIVE and not _is_control(character))
    # Taking characters out can bring others together that compose.
    text = unicodedata.normalize("NFC", text)
    name = _trim(_SPACES.sub(" ", text))
    if _RESERVED.fullmatch(name.split(".", 1)[0].rstrip()):
        name = f"_{name}"
    return _fit(*_parts(name))


def _is_control(character: str) -> bool:
    # Cc: control; Cs: half a surrogate pair, which has no UTF-8. Cn stays: newer characters than this Python's tables are no danger.
    return unicodedata.category(character) in {"Cc", "Cs"}


def _trim(name: str) -> str:
    return name.strip(" .")


def _parts(name: str) -> tuple[str, str, str]:
    stem, extension = split_extension(name)
    return stem, "", extension


def _fit(stem: str, suffix: str, extension: str) -> str:
    """Cut `stem` so that the whole fits; an existing number stays in front of the extension with the stem it belongs to."""
    whole = f"{stem}{suffix}{extension}"
    if _fits(whole):
        return whole
    if not suffix and (number := _NUMBER.search(stem)):
        stem, suffix = stem[: number.start()], number[0]
    room_bytes = LIMIT_BYTES - len(f"{suffix}{extension}".encode())
    room_units = LIMIT_UTF16_UNITS - _utf16_units(f"{suffix}{extension}")
    kept = ""
    for cluster in graphemes(stem):
        room_bytes -= len(cluster.encode())
        room_units -= _utf16_units(cluster)
        if room_bytes < 0 or room_units < 0:
            break
        kept += cluster
    kept = kept.rstrip(" .")
    if not kept:
        # One endless grapheme: nothing that a reader could tell apart, so it is cut anywhere.
        kept = stem.encode()[: LIMIT_BYTES - len(f"{suffix}{extension}".encode())].decode(errors="ignore").rstrip(" .")
    return f"{kept}{suffix}{extension}"


def _fits(name: str) -> bool:
    return len(name.encode()) <= LIMIT_BYTES and _utf16_units(name) <= LIMIT_UTF16_UNITS


def _utf16_units(text: str) -> int:
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)
