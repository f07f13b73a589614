"""What a file's link shows in a browser; the person is whoever `authuser` names, or nobody."""

from __future__ import annotations

import sqlite3

from aiohttp import web

from telpher.sandbox.google import pages
from telpher.sandbox.google.access import role_of
from telpher.sandbox.google.ledger import FOLDER_TYPE
from telpher.sandbox.google.oauth import LEDGER
from telpher.sandbox.google.render import GOOGLE_TYPE_PREFIX


def routes() -> list[web.RouteDef]:
    """The addresses in webViewLink and webContentLink."""
    views = ("/drive/file/d/{file_id}/view", "/drive/folders/{file_id}")
    editors = tuple(f"/{kind}/d/{{file_id}}/edit" for kind in ("document", "spreadsheets", "presentation"))
    return [*(web.get(path, _view) for path in (*views, *editors)), web.get("/drive/uc", _download)]


def _linked_file(request: web.Request, file_id: str) -> sqlite3.Row | None:
    ledger = request.app[LEDGER]
    row = ledger.one("SELECT * FROM files WHERE id = ?", file_id)
    if row is None or role_of(ledger, row, request.query.get("authuser", "")) is None:
        return None
    return row


async def _view(request: web.Request) -> web.Response:
    row = _linked_file(request, request.match_info["file_id"])
    if row is None:
        return pages.message(
            "You need access", "Ask the owner for access, or switch to an account that has it.", status=403
        )
    if row["mime_type"] == FOLDER_TYPE or row["mime_type"].startswith(GOOGLE_TYPE_PREFIX):
        return pages.shared_file(row["name"], row["mime_type"].rpartition(".")[2].capitalize(), None)
    user = f"&authuser={request.query['authuser']}" if "authuser" in request.query else ""
    return pages.shared_file(
        row["name"],
        f"{row['size_bytes']:,} bytes, {row['mime_type']}",
        f"/drive/uc?id={row['id']}&export=download{user}",
    )


async def _download(request: web.Request) -> web.StreamResponse:
    row = _linked_file(request, request.query.get("id", ""))
    if row is None or row["mime_type"].startswith(GOOGLE_TYPE_PREFIX):
        return pages.message(
            "You need access", "Ask the owner for access, or switch to an account that has it.", status=403
        )
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{_percent(row['name'])}",
        "Content-Type": row["mime_type"],
    }
    if not row["blob"]:
        return web.Response(body=b"", headers=headers)
    return web.FileResponse(request.app[LEDGER].content_dir / row["blob"], headers=headers)


def _percent(name: str) -> str:
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in name.encode("utf-8"))
