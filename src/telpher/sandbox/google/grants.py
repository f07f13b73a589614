"""Who may do what: OAuth clients, what people granted to them, and the tokens that prove it."""

from __future__ import annotations

import dataclasses
import json
import secrets
import sqlite3

from telpher.sandbox.google.errors import OAuthError, insufficient_scope, unauthorized
from telpher.sandbox.google.ledger import Ledger, now_ms

AUTH = "https://www.googleapis.com/auth/"
FULL, FILE, READONLY = AUTH + "drive", AUTH + "drive.file", AUTH + "drive.readonly"
METADATA, METADATA_READONLY, APPDATA = AUTH + "drive.metadata", AUTH + "drive.metadata.readonly", AUTH + "drive.appdata"
EMAIL, PROFILE = AUTH + "userinfo.email", AUTH + "userinfo.profile"
MEANINGS = {
    FULL: "See, edit, create and delete all of your Google Drive files",
    FILE: "See, edit, create and delete only the Google Drive files that you use with this app",
    READONLY: "See and download all your Google Drive files",
    METADATA: "View and manage metadata of files in your Google Drive",
    METADATA_READONLY: "See information about your Google Drive files",
    APPDATA: "See, create and delete its own configuration data in your Google Drive",
    EMAIL: "See your primary Google Account email address",
    PROFILE: "See your personal info",
    "openid": "Associate you with your personal info on Google",
}
"""What each scope means, as a person is told."""
_ALIASES = {"email": EMAIL, "profile": PROFILE}
KNOWN_SCOPES = frozenset(MEANINGS)
DEVICE_SCOPES = frozenset({FILE, APPDATA, EMAIL, PROFILE, "openid"})
"""What a device may ask for; see https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes."""
_DRIVE_SCOPES = frozenset({FULL, FILE, READONLY, METADATA, METADATA_READONLY})
_WRITING_SCOPES = frozenset({FULL, FILE})
_CONTENT_SCOPES = frozenset({FULL, FILE, READONLY})


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """An account acting through an app, within what it granted."""

    email: str
    client_id: str
    scopes: frozenset[str]

    @property
    def sees_only_own_files(self) -> bool:
        """With `drive.file` an app sees what it made itself, or what the person picked for it."""
        return not self.scopes & {FULL, READONLY, METADATA, METADATA_READONLY}

    def require_drive(self) -> None:
        """Raises unless the token is good for Drive at all."""
        if not self.scopes & _DRIVE_SCOPES:
            raise insufficient_scope()

    def require_content(self) -> None:
        """Raises unless the token may read what is in files."""
        if not self.scopes & _CONTENT_SCOPES:
            raise insufficient_scope()

    def require_writing(self, *, metadata_only: bool = False) -> None:
        """Raises unless the token may change things."""
        if not self.scopes & (_WRITING_SCOPES | {METADATA} if metadata_only else _WRITING_SCOPES):
            raise insufficient_scope()


def read_scopes(text: str) -> list[str]:
    """The scopes of a request, aliases resolved; raises OAuthError for unknown ones."""
    scopes = [_ALIASES.get(word, word) for word in dict.fromkeys(text.split())]
    if not scopes:
        raise OAuthError(400, "invalid_request", "Missing required parameter: scope")
    if unknown := [scope for scope in scopes if scope not in KNOWN_SCOPES]:
        raise OAuthError(400, "invalid_scope", f"Some requested scopes were invalid. {unknown}")
    return scopes


def find_client(ledger: Ledger, client_id: str) -> sqlite3.Row:
    """A registered client; raises OAuthError."""
    client = ledger.one("SELECT * FROM clients WHERE client_id = ?", client_id)
    if client is None:
        raise OAuthError(401, "invalid_client", "The OAuth client was not found.")
    return client


def check_client(ledger: Ledger, client_id: str, secret: str) -> sqlite3.Row:
    """A registered client that knows its secret; raises OAuthError."""
    client = find_client(ledger, client_id)
    if not secrets.compare_digest(client["secret"].encode("utf-8"), secret.encode("utf-8")):
        raise OAuthError(401, "invalid_client", "Unauthorized")
    return client


def add_client(ledger: Ledger, kind: str, redirect_uris: list[str]) -> str:
    """Register another app; its id."""
    client_id = f"{secrets.randbelow(10**12):012d}-{secrets.token_hex(8)}.apps.googleusercontent.com"
    secret = "GOCSPX-" + secrets.token_urlsafe(18)
    ledger.run("INSERT INTO clients VALUES (?, ?, ?, ?)", client_id, secret, kind, json.dumps(redirect_uris))
    return client_id


def grant(ledger: Ledger, client_id: str, email: str, scopes: list[str], *, is_refreshable: bool = True) -> str:
    """Write down what a person granted; the refresh token (kept to ourselves when the app may not have one)."""
    refresh_token = "1//" + secrets.token_urlsafe(48)
    ledger.run(
        "INSERT INTO grants (refresh_token, client_id, email, scope, is_refreshable, created_ms) VALUES (?, ?, ?, ?, ?, ?)",
        *(refresh_token, client_id, email, " ".join(scopes), int(is_refreshable), now_ms()),
    )
    return refresh_token


def issue_access_token(ledger: Ledger, refresh_token: str) -> tuple[str, int]:
    """A new access token for a grant, and for how many seconds it lasts."""
    token = "ya29." + secrets.token_urlsafe(80)
    lifetime_s = ledger.setting("access_token_lifetime_s")
    with ledger.transaction():
        ledger.run("DELETE FROM access_tokens WHERE expires_ms < ?", now_ms() - 24 * 3600 * 1000)
        expires_ms = now_ms() + int(lifetime_s * 1000)
        ledger.run("INSERT INTO access_tokens VALUES (?, ?, ?)", token, refresh_token, expires_ms)
    return token, max(int(lifetime_s) - 1, 0)


def live_grant(ledger: Ledger, refresh_token: str, client_id: str) -> sqlite3.Row:
    """A grant that a client may refresh; raises OAuthError `invalid_grant`."""
    row = ledger.one("SELECT * FROM grants WHERE refresh_token = ? AND is_refreshable", refresh_token)
    if row is None or row["client_id"] != client_id:
        raise OAuthError(400, "invalid_grant", "Bad Request")
    if row["revoked_ms"] is not None or (row["expires_ms"] is not None and row["expires_ms"] <= now_ms()):
        raise OAuthError(400, "invalid_grant", "Token has been expired or revoked.")
    return row


def access_row(ledger: Ledger, token: str) -> sqlite3.Row | None:
    """A valid access token with its grant."""
    return ledger.one(
        "SELECT g.*, t.expires_ms AS token_expires_ms FROM access_tokens t JOIN grants g USING (refresh_token)"
        " WHERE t.token = ? AND t.expires_ms > ? AND g.revoked_ms IS NULL",
        *(token, now_ms()),
    )


def caller_of(ledger: Ledger, authorization: str | None) -> Caller:
    """Who calls, by the Authorization header; raises the 401 that Drive answers."""
    kind, _, token = (authorization or "").partition(" ")
    row = access_row(ledger, token.strip()) if kind.lower() == "bearer" else None
    if row is None:
        raise unauthorized()
    return Caller(row["email"], row["client_id"], frozenset(row["scope"].split()))


def revoke(ledger: Ledger, token: str) -> bool:
    """End a grant by its refresh token or by one of its access tokens; whether there was one."""
    row = ledger.one(
        "SELECT refresh_token FROM grants WHERE refresh_token = ?1 UNION SELECT refresh_token FROM access_tokens WHERE token = ?1",
        token,
    )
    if row is None:
        return False
    return bool(
        ledger.run(
            "UPDATE grants SET revoked_ms = ? WHERE refresh_token = ? AND revoked_ms IS NULL",
            now_ms(),
            row["refresh_token"],
        )
    )
