"""OAuth at the offline Google: consent with PKCE, devices, refresh, revoke, scopes, and every way that it can fail."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.contracts.google_rig import ANNA, BORIS, FILE, FULL, Google, running_google

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REDIRECT = "http://127.0.0.1:8/"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class Login:
    """A client app and the person at the browser."""

    def __init__(self, google: Google, client: dict[str, Any]) -> None:
        self.google = google
        self.client = client

    async def post(self, url: str, **form: str) -> tuple[int, Any]:
        async with self.google.session.post(url, data=form) as answer:
            return answer.status, await answer.json()

    async def token(self, **form: str) -> tuple[int, Any]:
        secret = {"client_id": self.client["client_id"], "client_secret": self.client["client_secret"]}
        return await self.post(self.client["token_uri"], **{**secret, **form})

    async def page(self, **params: str) -> tuple[int, str]:
        asked = {
            "client_id": self.client["client_id"],
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": f"{FULL} email",
            "state": "s-1 &",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **params,
        }
        async with self.google.session.get(self.client["auth_uri"], params=asked) as answer:
            return answer.status, await answer.text()

    async def consent(self, decision: str = "allow", account: str = BORIS, **params: str) -> dict[str, str]:
        """Open the page and press a button; what comes back in the redirect."""
        status, html = await self.page(**params)
        assert status == 200
        assert all(person in html for person in (ANNA, BORIS))
        [request] = re.findall(r'name="request" value="([^"]+)"', html)
        [action] = re.findall(r'action="([^"]+)"', html)
        form = {"request": request, "account": account, "decision": decision}
        async with self.google.session.post(self.google.url + action, data=form, allow_redirects=False) as answer:
            assert answer.status == 302
            location = answer.headers["Location"]
        assert location.startswith(REDIRECT)
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    async def device(self, scope: str = FILE) -> dict[str, Any]:
        client_id = self.client["client_id"]
        status, answer = await self.post(f"{self.google.url}/device/code", client_id=client_id, scope=scope)
        assert status == 200, answer
        return dict(answer)

    async def poll(self, code: dict[str, Any]) -> tuple[int, Any]:
        return await self.token(grant_type=DEVICE_GRANT, device_code=code["device_code"])


@pytest.fixture
async def login(tmp_path: Path) -> AsyncIterator[Login]:
    async with running_google(tmp_path) as google:
        async with google.session.get(f"{google.url}/sandbox/google/credentials.json") as answer:
            credentials = await answer.json()
        assert all(credentials["installed"][name].startswith(google.url) for name in ("auth_uri", "token_uri"))
        yield Login(google, credentials["installed"])


async def test_consent_with_pkce(login: Login) -> None:
    back = await login.consent()
    assert back["state"] == "s-1 &"
    assert back["scope"].split() == [FULL, "https://www.googleapis.com/auth/userinfo.email"]
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    assert (await login.token(**form))[1]["error_description"] == "Missing code verifier."
    assert (await login.token(**form, code_verifier="w" * 64))[1]["error"] == "invalid_grant"
    assert (await login.token(**{**form, "redirect_uri": "http://127.0.0.1:9/"}, code_verifier=VERIFIER))[0] == 400
    status, tokens = await login.token(**form, code_verifier=VERIFIER)
    assert status == 200
    assert (tokens["token_type"], tokens["expires_in"] > 3000) == ("Bearer", True)
    assert (await login.token(**form, code_verifier=VERIFIER))[1]["error"] == "invalid_grant", "a code is good once"
    google = Google(login.google.sandbox, login.google.session, {"token": tokens["access_token"]})
    _, about = await google.request("GET", "/drive/v3/about", params={"fields": "user"}, schema="About")
    assert about["user"]["emailAddress"] == BORIS
    _, me = await google.request("GET", "/oauth2/v3/userinfo")
    assert (me["email"], me["email_verified"]) == (BORIS, True)
    _, info = await google.request("GET", "/tokeninfo", params={"access_token": tokens["access_token"]})
    assert (info["aud"], info["email"]) == (login.client["client_id"], BORIS)


async def test_refused_by_the_person(login: Login) -> None:
    assert await login.consent("deny") == {"error": "access_denied", "state": "s-1 &"}


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_request"),
        ({"code_challenge_method": "none"}, "invalid_request"),
    ],
)
async def test_requests_that_never_reach_consent(login: Login, params: dict[str, str], word: str) -> None:
    status, html = await login.page(**params)
    assert status >= 400
    assert word in html


async def test_a_web_app_gets_a_refresh_token_only_when_it_asks(login: Login) -> None:
    made = await login.google.control("clients", kind="web", redirect_uris=[REDIRECT])
    web = Login(login.google, made["web"])
    for access_type, expected in (("online", False), ("offline", True)):
        back = await web.consent(access_type=access_type)
        form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
        _, tokens = await web.token(**form, code_verifier=VERIFIER)
        assert ("refresh_token" in tokens) is expected


async def test_a_device_is_allowed_on_its_page(login: Login) -> None:
    await login.google.control("settings", device_interval_s=0)
    code = await login.device()
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", code["user_code"])
    assert await login.poll(code) == (
        428,
        {"error": "authorization_pending", "error_description": "Precondition Required"},
    )
    session, url = login.google.session, login.google.url
    async with session.get(code["verification_url"]) as answer:
        assert "Type the code" in await answer.text()
    async with session.get(code["verification_url"], params={"user_code": "WRNG-CODE"}) as answer:
        assert answer.status == 404
    typed = code["user_code"].lower().replace("-", " ")
    async with session.get(code["verification_url"], params={"user_code": typed}) as answer:
        html = await answer.text()
        assert FILE in html
    form = {"user_code": code["user_code"], "account": BORIS, "decision": "allow"}
    async with session.post(f"{url}/device/decision", data=form) as answer:
        assert "Success" in await answer.text()
    status, tokens = await login.poll(code)
    assert (status, tokens["scope"]) == (200, FILE)
    assert (await login.poll(code))[1]["error"] == "invalid_grant"
    status, fresh = await login.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (status, "refresh_token" in fresh) == (200, False)


async def test_a_device_that_asks_too_often_is_slowed_down(login: Login) -> None:
    code = await login.device()
    assert code["interval"] == 5
    assert (await login.poll(code))[1]["error"] == "authorization_pending"
    assert await login.poll(code) == (403, {"error": "slow_down", "error_description": "Forbidden"})


async def test_a_device_is_denied_or_comes_too_late(login: Login) -> None:
    await login.google.control("settings", device_interval_s=0)
    code = await login.device()
    await login.google.control("device", user_code=code["user_code"], decision="deny")
    assert await login.poll(code) == (403, {"error": "access_denied", "error_description": "Forbidden"})
    late = await login.device()
    await login.google.control("expire", what="device_codes")
    status, answer = await login.poll(late)
    assert (status, answer["error"]) == (400, "expired_token")


async def test_what_a_device_may_not_ask(login: Login) -> None:
    url = f"{login.google.url}/device/code"
    status, answer = await login.post(url, client_id=login.client["client_id"], scope=FULL)
    assert (status, answer["error"]) == (400, "invalid_scope")
    desktop = (await login.google.control("clients", kind="desktop"))["installed"]
    status, answer = await login.post(url, client_id=desktop["client_id"], scope=FILE)
    assert (status, answer) == (401, {"error": "invalid_client", "error_description": "Invalid client type."})


async def test_refresh_and_revoke(login: Login) -> None:
    google = login.google
    form = {"grant_type": "refresh_token", "refresh_token": google.user["refresh_token"]}
    status, fresh = await login.token(**form)
    assert status == 200
    assert (await login.token(**form, client_secret="wrong"))[1]["error"] == "invalid_client"
    assert (await login.token(grant_type="refresh_token", refresh_token="made up"))[1]["error"] == "invalid_grant"
    assert (await login.token(grant_type="magic"))[1]["error"] == "unsupported_grant_type"
    google.user["token"] = fresh["access_token"]
    await google.request("GET", "/drive/v3/files")
    assert await login.post(f"{google.url}/revoke", token=fresh["access_token"]) == (200, {})
    error = await google.refused("GET", "/drive/v3/files", 401, "authError")
    assert error["status"] == "UNAUTHENTICATED"
    assert (await login.token(**form))[1] == {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }
    assert (await login.post(f"{google.url}/revoke", token="made up"))[1]["error"] == "invalid_token"


async def test_tokens_end(login: Login) -> None:
    google = login.google
    await google.control("expire", what="access_tokens", account=ANNA)
    await google.refused("GET", "/drive/v3/files", 401, "authError")
    await google.control("settings", access_token_lifetime_s=0)
    form = {"grant_type": "refresh_token", "refresh_token": google.user["refresh_token"]}
    _, fresh = await login.token(**form)
    google.user["token"] = fresh["access_token"]
    await google.refused("GET", "/drive/v3/files", 401, "authError")
    await google.control("expire", what="refresh_tokens")
    assert (await login.token(**form))[1]["error"] == "invalid_grant"


async def test_drive_file_sees_only_what_its_app_made(login: Login) -> None:
    whole = login.google
    own = await whole.sign_in(scope=FILE)
    other_app = (await whole.control("clients", kind="any"))["installed"]["client_id"]
    stranger = await whole.sign_in(scope=FILE, client_id=other_app)
    whole_elsewhere = await whole.sign_in(client_id=other_app)
    mine = await own.put("mine", b"m")
    foreign = await whole_elsewhere.put("foreign", b"f")
    assert await own.names("'root' in parents") == ["mine"]
    assert sorted(await whole.names()) == ["foreign", "mine"]
    assert await stranger.names() == ["foreign"]
    await own.refused("GET", f"/drive/v3/files/{foreign['id']}", 404, "notFound")
    await own.refused("PATCH", f"/drive/v3/files/{foreign['id']}", 404, "notFound", json={"name": "taken"})
    await own.refused("GET", "/drive/v3/files/root", 404, "notFound")
    await stranger.refused("GET", f"/drive/v3/files/{mine['id']}", 404, "notFound")
    await whole.control("pick", client_id=own.user["client_id"], file_id=foreign["id"])
    assert sorted(await own.names()) == ["foreign", "mine"]


async def test_scopes_that_only_read(login: Login) -> None:
    made = await login.google.put("a", b"text")
    reader = await login.google.sign_in(scope=f"{FULL}.readonly")
    looker = await login.google.sign_in(scope=f"{FULL}.metadata.readonly")
    nobody = await login.google.sign_in(scope="email")
    path, media = f"/drive/v3/files/{made['id']}", {"alt": "media"}
    _, data = await reader.request("GET", path, params=media)
    assert data == b"text"
    await reader.refused("PATCH", path, 403, "insufficientPermissions", json={"name": "b"})
    await reader.refused("POST", "/drive/v3/files", 403, "insufficientPermissions", json={"name": "b"})
    await looker.request("GET", path, schema="File")
    await looker.refused("GET", path, 403, "insufficientPermissions", params=media)
    await nobody.refused("GET", path, 403, "insufficientPermissions")


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    async with running_google(tmp_path) as google:
        made = await google.put("kept", b"safe")
        user = google.user
    async with running_google(tmp_path) as google:
        google.user = user
        _, data = await google.request("GET", f"/drive/v3/files/{made['id']}", params={"alt": "media"})
        assert data == b"safe"
