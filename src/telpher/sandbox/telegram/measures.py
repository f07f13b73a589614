"""What a media file's own header says of it: width and height of pictures and MP4 films, duration of MP4, Ogg and WAV."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_HEAD_BYTES = 64


def measure(path: Path) -> dict[str, int]:
    """Any of `width`, `height` (pixels) and `duration` (whole seconds); nothing for what is not understood or is damaged."""
    with path.open("rb") as source:
        head = source.read(_HEAD_BYTES)
        for is_this, read in _FORMATS:
            if is_this(head):
                with contextlib.suppress(struct.error, IndexError, ZeroDivisionError):
                    return read(source, head, path.stat().st_size)
    return {}


def _size(width: int, height: int) -> dict[str, int]:
    return {"width": width, "height": height} if width and height else {}


def _png(_source: BinaryIO, head: bytes, _size_bytes: int) -> dict[str, int]:
    return _size(*struct.unpack(">II", head[16:24]))


def _gif(_source: BinaryIO, head: bytes, _size_bytes: int) -> dict[str, int]:
    return _size(*struct.unpack("<HH", head[6:10]))


def _jpeg(source: BinaryIO, _head: bytes, _size_bytes: int) -> dict[str, int]:
    # https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.1.1.3: segments until a start of frame (C0–CF but C4, C8, CC).
    source.seek(2)
    while True:
        marker = source.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            return {}
        if marker[1] == 0xFF:
            source.seek(-1, 1)
            continue
        (length,) = struct.unpack(">H", source.read(2))
        if 0xC0 <= marker[1] <= 0xCF and marker[1] not in {0xC4, 0xC8, 0xCC}:
            _, height, width = struct.unpack(">BHH", source.read(5))
            return _size(width, height)
        source.seek(length - 2, 1)


def _webp(_source: BinaryIO, head: bytes, _size_bytes: int) -> dict[str, int]:
    # https://developers.google.com/speed/webp/docs/riff_container
    form = head[12:16]
    if form == b"VP8X":
        return _size(int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)
    if form == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return _size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return _size(width & 0x3FFF, height & 0x3FFF)
    return {}


def _wav(source: BinaryIO, _head: bytes, size_bytes: int) -> dict[str, int]:
    source.seek(28)
    (bytes_per_s,) = struct.unpack("<I", source.read(4))
    return {"duration": (size_bytes - 44) // bytes_per_s}


def _ogg(source: BinaryIO, head: bytes, size_bytes: int) -> dict[str, int]:
    # https://www.rfc-editor.org/rfc/rfc3533#section-6: the last page's granule position; Opus always counts at 48 kHz (RFC 7845).
    rate = 48_000 if b"OpusHead" in head else struct.unpack("<I", head[40:44])[0] if b"vorbis" in head else 0
    source.seek(max(0, size_bytes - 65_536))
    tail = source.read()
    last_page = tail.rfind(b"OggS")
    (granules,) = struct.unpack("<q", tail[last_page + 6 : last_page + 14])
    return {"duration": max(0, granules) // rate}


def _mp4(source: BinaryIO, _head: bytes, size_bytes: int) -> dict[str, int]:
    # ISO/IEC 14496-12: moov/mvhd has the time scale and duration, moov/trak/tkhd the picture's size (16.16 fixed point).
    found: dict[str, int] = {}
    for kind, start, end in _boxes(source, 0, size_bytes):
        if kind == b"moov":
            for inner, inner_start, inner_end in _boxes(source, start, end):
                if inner == b"mvhd":
                    found |= _movie_header(source, inner_start)
                elif inner == b"trak":
                    for leaf, _, leaf_end in _boxes(source, inner_start, inner_end):
                        if leaf == b"tkhd":
                            source.seek(leaf_end - 8)
                            width, height = struct.unpack(">II", source.read(8))
                            found |= _size(width >> 16, height >> 16)
    return found


def _movie_header(source: BinaryIO, start: int) -> dict[str, int]:
    source.seek(start)
    head = source.read(32)
    scale, duration = struct.unpack(">IQ", head[20:32]) if head[0] == 1 else struct.unpack(">II", head[12:20])
    return {"duration": round(duration / scale)}


def _boxes(source: BinaryIO, start: int, end: int) -> list[tuple[bytes, int, int]]:
    """The boxes between two offsets as (kind, first byte of the content, end); at most a few hundred are looked at."""
    found: list[tuple[bytes, int, int]] = []
    while start + 8 <= end and len(found) < 500:
        source.seek(start)
        head = source.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        content = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", head[8:16])
            content += 8
        elif length == 0:
            length = end - start
        if length < 8:
            break
        found.append((kind, content, min(start + length, end)))
        start += length
    return found


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, bytes, int], dict[str, int]]], ...] = (
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR", _png),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda head: head.startswith(b"\xff\xd8"), _jpeg),
    (lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP", _webp),
    (lambda head: head.startswith(b"RIFF") and head[8:12] == b"WAVE", _wav),
    (lambda head: head.startswith(b"OggS"), _ogg),
    (lambda head: head[4:8] == b"ftyp", _mp4),
)
