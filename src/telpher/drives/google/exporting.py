"""Google's own documents in formats that others can open.

https://developers.google.com/workspace/drive/api/guides/ref-export-formats; at most 10 MB each.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from telpher.drives.google.client import GoogleClient
from telpher.drives.port import ExportFormat

_PDF = ExportFormat("pdf", "application/pdf")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_FORMATS = {
    "document": (_PDF, ExportFormat("docx", f"{_OFFICE}wordprocessingml.document")),
    "spreadsheet": (_PDF, ExportFormat("xlsx", f"{_OFFICE}spreadsheetml.sheet")),
    "presentation": (_PDF, ExportFormat("pptx", f"{_OFFICE}presentationml.presentation")),
    "drawing": (_PDF, ExportFormat("png", "image/png")),
}
_PREFIX = "application/vnd.google-apps."


def formats_of(mime_type: str) -> tuple[ExportFormat, ...]:
    """What a document of this type can be had as."""
    return _FORMATS.get(mime_type.removeprefix(_PREFIX), ()) if mime_type.startswith(_PREFIX) else ()


@contextlib.asynccontextmanager
async def export(client: GoogleClient, path: str, wanted: ExportFormat) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer that carries the file at `path` in the wanted format."""
    params = {"mimeType": wanted.mime_type}
    async with client.answer("GET", client.url(f"{path}/export"), params=params) as answer:
        yield answer
