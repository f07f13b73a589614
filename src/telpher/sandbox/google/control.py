"""What a test may do to the offline Google from outside: addresses below `/sandbox/google/`, JSON in and out.

| address | does |
|---|---|
| `GET credentials.json?client_id=` | an installed app's client, as Google's console gives it out, with our addresses |
| `POST clients {kind, redirect_uris}` | registers another app: `any`, `desktop`, `device` or `web`; answers its credentials |
| `POST accounts {email, name}` | adds a person |
| `POST token {account, scope, client_id}` | grants without asking; answers an authorized-user JSON, access token included |
| `POST device {user_code, account, decision}` | answers a waiting device: `allow` or `deny` |
| `POST expire {what, account}` | ends `access_tokens`, `refresh_tokens`, `device_codes` or `sessions` at once |
| `POST revoke {account}` | ends what an account granted |
| `POST quota {account, limit_bytes, free_bytes}` | sets the storage limit, or leaves so much free |
| `POST settings {…}` | lifetimes and intervals, `corrupt_next_uploads`; `GET` shows them |
| `GET files?account=` | everything in the drive with its path, the trash included |
| `GET sessions` | open upload sessions and how much each holds |
| `POST seed {account, count, …}` | adds many small entries at once |
| `POST documents {account, name, text, mime_type}` | adds a Docs Editors file |
| `POST drives {name, members}` | adds a shared drive |
| `POST pick {client_id, file_id}` | a person picks a file for an app that has `drive.file` |
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from aiohttp import web

from telpher.sandbox.google import entries, grants, oauth
from telpher.sandbox.google.access import account_of
from telpher.sandbox.google.calls import json_body
from telpher.sandbox.google.errors import DriveError
from telpher.sandbox.google.exporting import DOCUMENT
from telpher.sandbox.google.ledger import CLIENT_ID, FOLDER_TYPE, Ledger, natural_key, now_ms, to_rfc3339
from telpher.sandbox.google.oauth import LEDGER, root_url
from telpher.sandbox.google.shared_drives import add_drive
from telpher.sandbox.google.uploads import SESSIONS

DEFAULT_ACCOUNT = "anna@example.com"
_ROOT = "/sandbox/google/"
_SEED_LIMIT = 1_000_000
_PATHS = """
WITH RECURSIVE tree(id, path) AS (
  SELECT id, '' FROM files WHERE parent_id IS NULL
  UNION ALL SELECT f.id, t.path || '/' || f.name FROM files f JOIN tree t ON f.parent_id = t.id)
SELECT f.*, t.path FROM tree t JOIN files f USING (id) WHERE f.parent_id IS NOT NULL AND (?1 IS NULL OR f.owner = ?1)
ORDER BY t.path, f.id
"""


def routes() -> list[web.RouteDef]:
    """All control addresses."""
    return [
        web.get(_ROOT + "credentials.json", _credentials),
        web.post(_ROOT + "clients", _add_client),
        web.post(_ROOT + "accounts", _add_account),
        web.post(_ROOT + "token", _issue_token),
        web.post(_ROOT + "device", _answer_device),
        web.post(_ROOT + "expire", _expire),
        web.post(_ROOT + "revoke", _revoke),
        web.post(_ROOT + "quota", _set_quota),
        web.get(_ROOT + "settings", _settings),
        web.post(_ROOT + "settings", _settings),
        web.get(_ROOT + "files", _files),
        web.get(_ROOT + "sessions", _sessions),
        web.post(_ROOT + "seed", _seed),
        web.post(_ROOT + "documents", _add_document),
        web.post(_ROOT + "drives", _add_drive),
        web.post(_ROOT + "pick", _pick),
    ]


def _bad(message: str) -> DriveError:
    return DriveError(400, "badRequest", message)


def credentials(ledger: Ledger, client_id: str, root: str) -> dict[str, Any]:
    """The JSON that Google's console offers for download, with our addresses in it."""
    client = grants.find_client(ledger, client_id)
    facts = {
        "client_id": client_id,
        "project_id": "telpher-sandbox",
        "auth_uri": f"{root}/o/oauth2/v2/auth",
        "token_uri": f"{root}/token",
        "client_secret": client["secret"],
        "redirect_uris": json.loads(client["redirect_uris"]) or ["http://localhost"],
    }
    return {"web" if client["kind"] == "web" else "installed": facts}


async def _credentials(request: web.Request) -> web.Response:
    client_id = request.query.get("client_id", CLIENT_ID)
    return web.json_response(credentials(request.app[LEDGER], client_id, root_url(request)))


async def _add_client(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    kind = body.get("kind", "any")
    if kind not in ("any", "desktop", "device", "web"):
        raise _bad("kind is any, desktop, device or web")
    client_id = grants.add_client(ledger, kind, list(body.get("redirect_uris", [])))
    return web.json_response(credentials(ledger, client_id, root_url(request)))


async def _add_account(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    email = str(body["email"])
    with ledger.transaction():
        if ledger.one("SELECT 1 FROM accounts WHERE email = ?", email) is None:
            ledger.add_account(email, str(body.get("name") or email.partition("@")[0].capitalize()))
    return web.json_response(dict(account_of(ledger, email)))


async def _issue_token(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    email, client_id = body.get("account", DEFAULT_ACCOUNT), body.get("client_id", CLIENT_ID)
    account_of(ledger, email)
    client = grants.find_client(ledger, client_id)
    wanted = body.get("scope", grants.FILE)
    scopes = grants.read_scopes(wanted if isinstance(wanted, str) else " ".join(wanted))
    refresh_token = grants.grant(ledger, client_id, email, scopes)
    token, lifetime_s = grants.issue_access_token(ledger, refresh_token)
    return web.json_response(
        {
            "type": "authorized_user",
            "token": token,
            "refresh_token": refresh_token,
            "token_uri": f"{root_url(request)}/token",
            "client_id": client_id,
            "client_secret": client["secret"],
            "scopes": scopes,
            "universe_domain": "googleapis.com",
            "account": email,
            "expiry": to_rfc3339(now_ms() + lifetime_s * 1000),
        }
    )


async def _answer_device(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    email = str(body.get("account", DEFAULT_ACCOUNT))
    account_of(ledger, email)
    is_allowed = body.get("decision", "allow") == "allow"
    if not oauth.decide_device(ledger, str(body.get("user_code", "")), email, is_allowed=is_allowed):
        raise DriveError(404, "notFound", "No device waits with this code.")
    return web.json_response({"account": email, "decision": "allow" if is_allowed else "deny"})


async def _expire(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    what, email = body.get("what"), body.get("account")
    mine = "(?2 IS NULL OR email = ?2)"
    if what == "sessions":
        count = request.app[SESSIONS].expire_all()
    elif what == "access_tokens":
        count = ledger.run(
            f"UPDATE access_tokens SET expires_ms = ?1 WHERE refresh_token IN (SELECT refresh_token FROM grants WHERE {mine})",  # noqa: S608
            *(now_ms() - 1, email),
        )
    elif what == "refresh_tokens":
        count = ledger.run(f"UPDATE grants SET expires_ms = ?1 WHERE {mine}", now_ms() - 1, email)  # noqa: S608
    elif what == "device_codes":
        count = ledger.run("UPDATE device_codes SET expires_ms = ?", now_ms() - 1)
    else:
        raise _bad("what is access_tokens, refresh_tokens, device_codes or sessions")
    return web.json_response({"expired": count})


async def _revoke(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    count = ledger.run(
        "UPDATE grants SET revoked_ms = ?1 WHERE (?2 IS NULL OR email = ?2) AND revoked_ms IS NULL",
        *(now_ms(), body.get("account")),
    )
    return web.json_response({"revoked": count})


async def _set_quota(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    email = body.get("account", DEFAULT_ACCOUNT)
    account_of(ledger, email)
    limit_bytes = body.get("limit_bytes")
    if "free_bytes" in body:
        limit_bytes = entries.used_bytes(ledger, email) + int(body["free_bytes"])
    ledger.run("UPDATE accounts SET quota_bytes = ? WHERE email = ?", limit_bytes, email)
    return web.json_response(
        {"account": email, "limit_bytes": limit_bytes, "used_bytes": entries.used_bytes(ledger, email)}
    )


async def _settings(request: web.Request) -> web.Response:
    try:
        return web.json_response(request.app[LEDGER].change_settings(**await json_body(request)))
    except KeyError as error:
        raise _bad(f"there is no setting {error}") from None


async def _files(request: web.Request) -> web.Response:
    rows = request.app[LEDGER].all(_PATHS, request.query.get("account"))
    return web.json_response(
        [
            {
                "id": row["id"],
                "path": row["path"],
                "name": row["name"],
                "mime_type": row["mime_type"],
                "size_bytes": row["size_bytes"],
                "md5": row["md5"],
                "sha256": row["sha256"],
                "is_folder": row["mime_type"] == FOLDER_TYPE,
                "is_trashed": bool(row["is_trashed"]),
                "owner": row["owner"],
                "drive_id": row["drive_id"],
                "parent_id": row["parent_id"],
                "modified_time": to_rfc3339(row["modified_ms"]),
            }
            for row in rows
        ]
    )


async def _sessions(request: web.Request) -> web.Response:
    rows = request.app[LEDGER].all("SELECT * FROM sessions WHERE state = 'open' ORDER BY created_ms")
    return web.json_response(
        [
            {
                "upload_id": row["id"],
                "account": row["email"],
                "metadata": json.loads(row["metadata"]),
                "total_bytes": row["total_bytes"],
                "held_bytes": request.app[SESSIONS].held_bytes(row),
            }
            for row in rows
        ]
    )


async def _seed(request: web.Request) -> web.Response:
    """Entries named by `name` (`{n}` is their number) in `parent_id`, every `folder_every`-th a folder, all with one content."""
    body, ledger = await json_body(request), request.app[LEDGER]
    email, count = body.get("account", DEFAULT_ACCOUNT), int(body.get("count", 100))
    account = account_of(ledger, email)
    if not 0 < count <= _SEED_LIMIT:
        raise _bad(f"count is between 1 and {_SEED_LIMIT}")
    name, folder_every = str(body.get("name", "File {n}.txt")), int(body.get("folder_every", 0))
    parent_id, client_id = body.get("parent_id") or account["root_id"], body.get("client_id", CLIENT_ID)
    data = str(body.get("text", "")).encode("utf-8")
    blob, md5 = secrets.token_hex(16), hashlib.md5(data, usedforsecurity=False).hexdigest()
    sha256 = hashlib.sha256(data).hexdigest()
    (ledger.content_dir / blob).write_bytes(data)
    begun_ms, rows = now_ms() - count * 1000, []
    for number in range(1, count + 1):
        is_folder = bool(folder_every) and number % folder_every == 0
        one = f"Folder {number}" if is_folder else name.replace("{n}", str(number))
        mime_type = FOLDER_TYPE if is_folder else str(body.get("mime_type", "text/plain"))
        time_ms, size_bytes = begun_ms + number * 1000, None if is_folder else len(data)
        rows.append(
            (
                *(
                    ledger.new_id(),
                    one,
                    one.casefold(),
                    natural_key(one),
                    mime_type,
                    int(not is_folder),
                    parent_id,
                    email,
                ),
                *(client_id, time_ms, time_ms, email, size_bytes, size_bytes or 0, None if is_folder else blob),
                *((None, None) if is_folder else (md5, sha256)),
                *(one, None if is_folder else "0B" + secrets.token_urlsafe(36)),
            )
        )
    with ledger.transaction():
        ledger.run_many(
            "INSERT INTO files (id, name, name_key, natural_key, mime_type, folder_rank, parent_id, owner, client_id, created_ms,"
            " modified_ms, modified_by, size_bytes, quota_bytes, blob, md5, sha256, original_name, revision)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return web.json_response({"count": count, "first_id": rows[0][0], "last_id": rows[-1][0]})


async def _add_document(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    caller = grants.Caller(
        body.get("account", DEFAULT_ACCOUNT), body.get("client_id", CLIENT_ID), frozenset({grants.FULL})
    )
    data, blob = str(body.get("text", "Telpher carries.")).encode("utf-8"), secrets.token_hex(16)
    (ledger.content_dir / blob).write_bytes(data)
    metadata = {"name": body.get("name", "A document"), "mimeType": body.get("mime_type", DOCUMENT)}
    if body.get("parent_id"):
        metadata["parents"] = [body["parent_id"]]
    row = entries.create(ledger, caller, metadata, entries.Content(blob, len(data), "", None, None), all_drives=True)
    return web.json_response({"id": row["id"], "name": row["name"]})


async def _add_drive(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    members = body.get("members") or {DEFAULT_ACCOUNT: "organizer"}
    for email in members:
        account_of(ledger, email)
    return web.json_response({"id": add_drive(ledger, str(body.get("name", "Team")), members)})


async def _pick(request: web.Request) -> web.Response:
    body, ledger = await json_body(request), request.app[LEDGER]
    ledger.run("INSERT OR IGNORE INTO picked VALUES (?, ?)", body.get("client_id", CLIENT_ID), body["file_id"])
    return web.json_response({})
