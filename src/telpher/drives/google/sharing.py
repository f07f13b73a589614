"""Who else may see a file: Drive's permissions as grants. The owner's permission is neither shown nor touched.

https://developers.google.com/workspace/drive/api/guides/manage-sharing
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from telpher.drives.google.client import GoogleClient, read_json
from telpher.drives.google.sense import another_page
from telpher.drives.port import Grant, GrantRole
from telpher.errors import EntryNotFoundError, GranteeInvalidError

_FIELDS = "id,type,role,emailAddress,domain,deleted"
_PAGE_SIZE = 100
_ID_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ROLES = {
    "reader": GrantRole.VIEW,
    "commenter": GrantRole.COMMENT,
    "writer": GrantRole.EDIT,
    "fileOrganizer": GrantRole.EDIT,
    "organizer": GrantRole.EDIT,
}
_WORDS = {GrantRole.VIEW: "reader", GrantRole.COMMENT: "commenter", GrantRole.EDIT: "writer"}


async def grants_of(client: GoogleClient, path: str) -> tuple[Grant, ...]:
    """All grants of the file at `path`."""
    grants: list[Grant] = []
    params = {
        "fields": f"nextPageToken,permissions({_FIELDS})",
        "pageSize": str(_PAGE_SIZE),
        "supportsAllDrives": "true",
    }
    while True:
        answer = await client.ask("GET", f"{path}/permissions", params=params)
        grants += [_grant(item) for item in answer.get("permissions", ()) if _is_grant(item)]
        token = answer.get("nextPageToken")
        if not token:
            return tuple(grants)
        params["pageToken"] = another_page(token, params.get("pageToken"))


async def grant(client: GoogleClient, path: str, who: str | None, role: GrantRole) -> Grant:
    """Let somebody in. Each attempt looks first, so that one whose answer was lost sends no second e-mail."""

    async def once() -> Grant:
        for standing in await grants_of(client, path):
            if _is_same(standing.who, who):
                return standing if standing.role is role else await _change(client, path, standing, role)
        return await _create(client, path, who, role)

    return await client.repeated(once)


async def revoke(client: GoogleClient, path: str, grant_id: str) -> None:
    """Take a grant back; the owner's is none."""
    if not _ID_SHAPE.fullmatch(grant_id):
        return
    with contextlib.suppress(EntryNotFoundError):
        if all(standing.id != grant_id for standing in await grants_of(client, path)):
            return
        await client.ask("DELETE", f"{path}/permissions/{grant_id}", params={"supportsAllDrives": "true"})


async def _create(client: GoogleClient, path: str, who: str | None, role: GrantRole) -> Grant:
    body: dict[str, Any] = {"type": "anyone", "role": _WORDS[role], "allowFileDiscovery": False}
    params = {"fields": _FIELDS, "supportsAllDrives": "true"}
    if who is not None:
        body = {"type": "user", "role": _WORDS[role], "emailAddress": who}
        params["sendNotificationEmail"] = "true"
    url, headers = client.url(f"{path}/permissions"), {"Content-Type": "application/json; charset=UTF-8"}
    async with client.answer("POST", url, params=params, headers=headers, body=json.dumps(body).encode()) as answer:
        made = await read_json(answer)
    if not _is_grant(made):
        # Asked to share with the owner, Drive answers their own permission.
        raise GranteeInvalidError("the owner has it already")
    return _grant(made)


async def _change(client: GoogleClient, path: str, standing: Grant, role: GrantRole) -> Grant:
    params = {"fields": _FIELDS, "supportsAllDrives": "true"}
    body = {"role": _WORDS[role]}
    return _grant(await client.ask("PATCH", f"{path}/permissions/{standing.id}", params=params, body=body))


def _is_same(one: str | None, other: str | None) -> bool:
    return one is other if one is None or other is None else one.casefold() == other.casefold()


def _is_grant(item: dict[str, Any]) -> bool:
    return item.get("role") in _ROLES and not item.get("deleted")


def _grant(item: dict[str, Any]) -> Grant:
    who = f"@{item.get('domain', '')}" if item["type"] == "domain" else item.get("emailAddress")
    return Grant(item["id"], None if item["type"] == "anyone" else who, _ROLES[item["role"]])
