"""Drive's `about`, and the answer to what is not there."""

from __future__ import annotations

from aiohttp import web

from telpher.sandbox.google import entries
from telpher.sandbox.google.access import account_of
from telpher.sandbox.google.calls import call_of
from telpher.sandbox.google.errors import DriveError
from telpher.sandbox.google.exporting import EXPORTS, IMPORTS
from telpher.sandbox.google.fields import apply_mask
from telpher.sandbox.google.render import user_resource

_MAX_UPLOAD_BYTES = 5 * 1024**4


def routes() -> list[web.RouteDef]:
    """`about`; and last, a 404 in Drive's shape for every other address."""
    return [web.get("/drive/v3/about", _about), web.route("*", "/drive/v3/{rest:.*}", _nothing)]


async def _nothing(request: web.Request) -> web.Response:
    raise DriveError(404, "notFound", f"There is nothing at {request.path}.")


async def _about(request: web.Request) -> web.Response:
    call = await call_of(request)
    if not call.query.get("fields"):
        raise DriveError(400, "required", "The 'fields' parameter is required for this method.", location="fields")
    email = call.caller.email
    used_bytes = entries.used_bytes(call.ledger, email)
    quota = {
        "usage": str(used_bytes),
        "usageInDrive": str(used_bytes),
        "usageInDriveTrash": str(entries.used_bytes(call.ledger, email, in_trash_only=True)),
    }
    if (limit_bytes := account_of(call.ledger, email)["quota_bytes"]) is not None:
        quota["limit"] = str(limit_bytes)
    answer = {
        "kind": "drive#about",
        "user": user_resource(call.ledger, email, email),
        "storageQuota": quota,
        "maxUploadSize": str(_MAX_UPLOAD_BYTES),
        "appInstalled": True,
        "canCreateDrives": False,
        "importFormats": IMPORTS,
        "exportFormats": {kind: sorted(formats) for kind, formats in EXPORTS.items()},
        "maxImportSizes": {kind: str(10 * 1024 * 1024) for kind in EXPORTS},
        "folderColorPalette": ["#ac725e", "#d06b64", "#16a765", "#4986e7", "#8f8f8f"],
    }
    return web.json_response(apply_mask(answer, call.mask("*", "About")))
