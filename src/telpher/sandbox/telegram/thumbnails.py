"""Smaller copies of a photo, as Telegram makes them: a bot that takes the first size for the photo itself shall find out here."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

# https://core.telegram.org/api/files#image-thumbnail-types: the boxes `s` and `m`, the ones every photo has.
_BOXES = (90, 320)
_MOST_PIXELS = 40_000_000


def smaller_copies(path: Path, width: int, height: int) -> list[bytes]:
    """JPEGs that fit into Telegram's boxes, smallest first; none for a picture that is small, huge or damaged."""
    wanted = [box for box in _BOXES if max(width, height) > box]
    if not wanted or width * height > _MOST_PIXELS:
        return []
    from PIL import Image  # noqa: PLC0415 - 10 MB that only a sandbox with photos needs

    copies = []
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:
            picture.draft("RGB", (max(wanted), max(wanted)))  # lets a JPEG be decoded small at once
            whole = picture.convert("RGB")
            for box in wanted:
                copy = whole.copy()
                copy.thumbnail((box, box))
                out = io.BytesIO()
                copy.save(out, "JPEG", quality=80)
                copies.append(out.getvalue())
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return []
    return copies
