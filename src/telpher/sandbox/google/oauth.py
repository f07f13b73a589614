"""OAuth 2.0 as Google speaks it: consent in a browser with PKCE, codes for devices, refresh, revoke, who am I.

See https://developers.google.com/identity/protocols/oauth2/native-app and …/limited-input-device.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import ipaddress
import json
import secrets
import sqlite3
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from telpher.sandbox.google import grants, pages
from telpher.sandbox.google.errors import OAuthError
from telpher.sandbox.google.ledger import Ledger, now_ms

LEDGER = web.AppKey("google_ledger", Ledger)

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_POLL_TOLERANCE = 0.9

Form = dict[str, str]


def routes() -> list[web.RouteDef]:
    """Everything below Google's OAuth hosts, on our one root."""
    return [
        web.get("/o/oauth2/v2/auth", _authorize),
        web.get("/o/oauth2/auth", _authorize),
        web.post("/o/oauth2/v2/auth/decision", _decide),
        web.post("/token", _token),
        web.post("/device/code", _device_code),
        web.get("/device", _device_page),
        web.post("/device/decision", _device_decide),
        web.post("/revoke", _revoke),
        web.get("/revoke", _revoke),
        web.get("/tokeninfo", _token_info),
        web.get("/oauth2/v3/tokeninfo", _token_info),
        web.get("/oauth2/v3/userinfo", _user_info),
        web.get("/oauth2/v2/userinfo", _user_info),
    ]


async def _form(request: web.Request) -> Form:
    data: Form = dict(request.query)
    data.update((name, value) for name, value in (await request.post()).items() if isinstance(value, str))
    return data


def _need(form: Form, name: str) -> str:
    if not form.get(name):
        raise OAuthError(400, "invalid_request", f"Missing required parameter: {name}")
    return form[name]


def _client_of(request: web.Request, ledger: Ledger, form: Form) -> sqlite3.Row:
    """The client by its Basic header or by the form's fields."""
    kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise OAuthError(401, "invalid_client", "Unauthorized") from None
        return grants.check_client(ledger, client_id, secret)
    if "client_id" not in form:
        raise OAuthError(400, "invalid_request", "Could not determine client ID from request.")
    if "client_secret" not in form:
        raise OAuthError(400, "invalid_request", "client_secret is missing.")
    return grants.check_client(ledger, form["client_id"], form["client_secret"])


def _accounts(ledger: Ledger, hint: str | None = None) -> list[tuple[str, str]]:
    rows = ledger.all("SELECT email, name FROM accounts ORDER BY email <> ?, email", hint or "")
    return [(row["email"], row["name"]) for row in rows]


def _meanings(scopes: list[str]) -> list[tuple[str, str]]:
    return [(scope, grants.MEANINGS[scope]) for scope in scopes]


def _is_loopback(uri: str) -> bool:
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.fragment or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _may_redirect(client: sqlite3.Row, uri: str) -> bool:
    if uri in json.loads(client["redirect_uris"]):
        return True
    return client["kind"] in ("any", "desktop") and _is_loopback(uri)


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """A consent request that is in order."""

    client: sqlite3.Row
    redirect_uri: str
    scopes: list[str]
    challenge: str | None
    challenge_method: str | None


def _read_request(ledger: Ledger, query: Form) -> _Asked:
    """Check what an app asks for; raises OAuthError with what the page then shows."""
    client = grants.find_client(ledger, _need(query, "client_id"))
    redirect_uri = _need(query, "redirect_uri")
    if client["kind"] == "device":
        raise OAuthError(401, "invalid_client", "Invalid client type for this flow.")
    if not _may_redirect(client, redirect_uri):
        raise OAuthError(
            400, "redirect_uri_mismatch", "The redirect URI in the request is not allowed for this client."
        )
    if query.get("response_type") != "code":
        raise OAuthError(400, "unsupported_response_type", "Invalid response_type")
    method = query.get("code_challenge_method", "plain" if "code_challenge" in query else None)
    if method not in (None, "plain", "S256"):
        raise OAuthError(400, "invalid_request", "Invalid code_challenge_method")
    return _Asked(client, redirect_uri, grants.read_scopes(query.get("scope", "")), query.get("code_challenge"), method)


async def _authorize(request: web.Request) -> web.Response:
    ledger, query = request.app[LEDGER], dict(request.query)
    try:
        asked = _read_request(ledger, query)
    except OAuthError as error:
        text = str(error.body.get("error_description", ""))
        return pages.message(f"Error {error.status}: {error.error}", text, status=error.status)
    consent_id = secrets.token_urlsafe(16)
    is_offline = asked.client["kind"] != "web" or query.get("access_type") == "offline"
    ledger.run(
        "INSERT INTO consents (id, client_id, redirect_uri, scope, state, challenge, challenge_method, is_offline, expires_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(consent_id, asked.client["client_id"], asked.redirect_uri, " ".join(asked.scopes), query.get("state")),
        *(asked.challenge, asked.challenge_method, int(is_offline), now_ms() + 3600 * 1000),
    )
    people = _accounts(ledger, query.get("login_hint"))
    return pages.consent("/o/oauth2/v2/auth/decision", {"request": consent_id}, people, _meanings(asked.scopes))


async def _decide(request: web.Request) -> web.Response:
    ledger, form = request.app[LEDGER], await _form(request)
    row = ledger.one(
        "SELECT * FROM consents WHERE id = ? AND code IS NULL AND expires_ms > ?", form.get("request"), now_ms()
    )
    if row is None:
        return pages.message("Something went wrong", "This request has been answered already.", status=400)
    answer = {"state": row["state"]} if row["state"] is not None else {}
    if form.get("decision") != "allow":
        ledger.run("DELETE FROM consents WHERE id = ?", row["id"])
        answer["error"] = "access_denied"
    else:
        if ledger.one("SELECT 1 FROM accounts WHERE email = ?", form.get("account")) is None:
            return pages.message("Something went wrong", "There is no such account.", status=400)
        code = "4/0A" + secrets.token_urlsafe(48)
        lifetime_ms = int(ledger.setting("authorization_code_lifetime_s") * 1000)
        ledger.run(
            "UPDATE consents SET email = ?, code = ?, expires_ms = ? WHERE id = ?",
            *(form["account"], code, now_ms() + lifetime_ms, row["id"]),
        )
        answer |= {"code": code, "scope": row["scope"]}
    glue = "&" if urlsplit(row["redirect_uri"]).query else "?"
    raise web.HTTPFound(row["redirect_uri"] + glue + urlencode(answer))


async def _token(request: web.Request) -> web.Response:
    ledger, form = request.app[LEDGER], await _form(request)
    client = _client_of(request, ledger, form)
    grant_type = form.get("grant_type", "")
    if grant_type == "authorization_code":
        answer = _exchange_code(ledger, client, form)
    elif grant_type in (DEVICE_GRANT, "http://oauth.net/grant_type/device/1.0"):
        answer = _poll_device(ledger, client, form)
    elif grant_type == "refresh_token":
        row = grants.live_grant(ledger, _need(form, "refresh_token"), client["client_id"])
        answer = _tokens(ledger, row["refresh_token"], row["scope"], with_refresh=False)
    else:
        raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")
    return web.json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _tokens(ledger: Ledger, refresh_token: str, scope: str, *, with_refresh: bool) -> dict[str, Any]:
    token, expires_in = grants.issue_access_token(ledger, refresh_token)
    answer: dict[str, Any] = {"access_token": token, "expires_in": expires_in, "scope": scope, "token_type": "Bearer"}
    if with_refresh:
        answer["refresh_token"] = refresh_token
    return answer


def _exchange_code(ledger: Ledger, client: sqlite3.Row, form: Form) -> dict[str, Any]:
    row = ledger.one("SELECT * FROM consents WHERE code = ?", _need(form, "code"))
    if row is None or row["client_id"] != client["client_id"] or row["expires_ms"] <= now_ms():
        raise OAuthError(400, "invalid_grant", "Malformed auth code.")
    if row["code_used"]:
        raise OAuthError(400, "invalid_grant", "Bad Request")
    if form.get("redirect_uri") != row["redirect_uri"]:
        raise OAuthError(400, "redirect_uri_mismatch", "Bad Request")
    if row["challenge"] is not None:
        if not form.get("code_verifier"):
            raise OAuthError(400, "invalid_grant", "Missing code verifier.")
        if not _fits_challenge(form["code_verifier"], row["challenge"], row["challenge_method"]):
            raise OAuthError(400, "invalid_grant", "Invalid code verifier.")
    with ledger.transaction():
        ledger.run("UPDATE consents SET code_used = 1 WHERE id = ?", row["id"])
        refresh_token = grants.grant(
            ledger, client["client_id"], row["email"], row["scope"].split(), is_refreshable=bool(row["is_offline"])
        )
        return _tokens(ledger, refresh_token, row["scope"], with_refresh=bool(row["is_offline"]))


def _fits_challenge(verifier: str, challenge: str, method: str) -> bool:
    if method == "S256":
        digest = hashlib.sha256(verifier.encode("ascii", "replace")).digest()
        verifier = base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
    return secrets.compare_digest(verifier.encode("utf-8"), challenge.encode("utf-8"))


async def _device_code(request: web.Request) -> web.Response:
    ledger, form = request.app[LEDGER], await _form(request)
    client = grants.find_client(ledger, _need(form, "client_id"))
    if client["kind"] not in ("any", "device"):
        raise OAuthError(401, "invalid_client", "Invalid client type.")
    scopes = grants.read_scopes(form.get("scope", ""))
    if refused := [scope for scope in scopes if scope not in grants.DEVICE_SCOPES]:
        raise OAuthError(400, "invalid_scope", f"Invalid device flow scope: {' '.join(refused)}")
    letters = "".join(secrets.choice(_CODE_LETTERS) for _ in range(8))
    device_code, user_code = "AH-1Ng" + secrets.token_urlsafe(66), f"{letters[:4]}-{letters[4:]}"
    lifetime_s, interval_s = ledger.setting("device_code_lifetime_s"), ledger.setting("device_interval_s")
    ledger.run(
        "INSERT INTO device_codes (device_code, user_code, client_id, scope, state, interval_s, expires_ms)"
        " VALUES (?, ?, ?, ?, 'pending', ?, ?)",
        *(device_code, user_code, client["client_id"], " ".join(scopes), interval_s, now_ms() + int(lifetime_s * 1000)),
    )
    return web.json_response(
        {
            "device_code": device_code,
            "user_code": user_code,
            "expires_in": int(lifetime_s),
            "interval": int(interval_s) if interval_s == int(interval_s) else interval_s,
            "verification_url": f"{root_url(request)}/device",
        }
    )


def _poll_device(ledger: Ledger, client: sqlite3.Row, form: Form) -> dict[str, Any]:
    row = ledger.one("SELECT * FROM device_codes WHERE device_code = ?", form.get("device_code") or _need(form, "code"))
    if row is None or row["client_id"] != client["client_id"] or row["state"] == "used":
        raise OAuthError(400, "invalid_grant", "Malformed auth code.")
    time_ms = now_ms()
    if row["expires_ms"] <= time_ms:
        raise OAuthError(400, "expired_token", "The device code has expired.")
    ledger.run("UPDATE device_codes SET polled_ms = ? WHERE device_code = ?", time_ms, row["device_code"])
    if row["polled_ms"] is not None and time_ms - row["polled_ms"] < row["interval_s"] * 1000 * _POLL_TOLERANCE:
        raise OAuthError(403, "slow_down", "Forbidden")
    if row["state"] == "pending":
        raise OAuthError(428, "authorization_pending", "Precondition Required")
    if row["state"] == "denied":
        raise OAuthError(403, "access_denied", "Forbidden")
    with ledger.transaction():
        ledger.run("UPDATE device_codes SET state = 'used' WHERE device_code = ?", row["device_code"])
        refresh_token = grants.grant(ledger, client["client_id"], row["email"], row["scope"].split())
        return _tokens(ledger, refresh_token, row["scope"], with_refresh=True)


def decide_device(ledger: Ledger, user_code: str, email: str, *, is_allowed: bool) -> bool:
    """Say yes or no to a waiting device; False when no device waits with this code."""
    letters = "".join(letter for letter in user_code.upper() if letter.isalpha())
    return bool(
        ledger.run(
            "UPDATE device_codes SET state = ?, email = ? WHERE user_code = ? AND state = 'pending' AND expires_ms > ?",
            *("allowed" if is_allowed else "denied", email, f"{letters[:4]}-{letters[4:]}", now_ms()),
        )
    )


async def _device_page(request: web.Request) -> web.Response:
    ledger, code = request.app[LEDGER], request.query.get("user_code", "")
    if not code:
        return pages.device_code("/device")
    letters = "".join(letter for letter in code.upper() if letter.isalpha())
    row = ledger.one(
        "SELECT * FROM device_codes WHERE user_code = ? AND state = 'pending' AND expires_ms > ?",
        *(f"{letters[:4]}-{letters[4:]}", now_ms()),
    )
    if row is None:
        return pages.device_code("/device", "That code is not known or has expired. Try again.", code)
    return pages.consent(
        "/device/decision", {"user_code": row["user_code"]}, _accounts(ledger), _meanings(row["scope"].split())
    )


async def _device_decide(request: web.Request) -> web.Response:
    ledger, form = request.app[LEDGER], await _form(request)
    is_allowed = form.get("decision") == "allow"
    is_known = ledger.one("SELECT 1 FROM accounts WHERE email = ?", form.get("account")) is not None
    if not is_known or not decide_device(ledger, form.get("user_code", ""), form["account"], is_allowed=is_allowed):
        return pages.message("Something went wrong", "This code has been answered already or has expired.", status=400)
    if is_allowed:
        return pages.message("Success!", "Your device is connected. You may close this page.")
    return pages.message("Cancelled", "The device was not connected. You may close this page.")


async def _revoke(request: web.Request) -> web.Response:
    ledger, form = request.app[LEDGER], await _form(request)
    if not grants.revoke(ledger, _need(form, "token")):
        raise OAuthError(400, "invalid_token", "Token expired or revoked")
    return web.json_response({})


async def _token_info(request: web.Request) -> web.Response:
    row = grants.access_row(request.app[LEDGER], request.query.get("access_token", ""))
    if row is None:
        raise OAuthError(400, "invalid_token", "Invalid Value")
    answer = {
        "azp": row["client_id"],
        "aud": row["client_id"],
        "scope": row["scope"],
        "exp": str(row["token_expires_ms"] // 1000),
        "expires_in": str((row["token_expires_ms"] - now_ms()) // 1000),
        "access_type": "offline" if row["is_refreshable"] else "online",
    }
    if grants.EMAIL in row["scope"].split():
        answer |= {"email": row["email"], "email_verified": "true"}
    return web.json_response(answer)


async def _user_info(request: web.Request) -> web.Response:
    ledger = request.app[LEDGER]
    caller = grants.caller_of(ledger, request.headers.get("Authorization"))
    if not caller.scopes & {grants.EMAIL, grants.PROFILE, "openid"}:
        raise OAuthError(401, "invalid_request", "Invalid Credentials")
    account = ledger.one("SELECT * FROM accounts WHERE email = ?", caller.email)
    assert account is not None
    is_v2 = request.path.startswith("/oauth2/v2")
    answer: dict[str, Any] = {"id" if is_v2 else "sub": account["permission_id"]}
    if grants.EMAIL in caller.scopes:
        answer |= {"email": caller.email, "verified_email" if is_v2 else "email_verified": True}
    if grants.PROFILE in caller.scopes:
        answer |= {"name": account["name"], "given_name": account["name"]}
    return web.json_response(answer)


def root_url(request: web.Request) -> str:
    """Our own root as this client reaches it, also through a proxy that ends TLS."""
    return f"{request.headers.get('X-Forwarded-Proto', request.scheme)}://{request.host}"
