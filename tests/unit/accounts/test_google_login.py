"""Logging in to Google by device: the whole way against the offline Google, and everything that can go wrong on it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_account import authorizer_of, house_authorizer, keep
from telpher.accounts.google_oauth import AuthorizedUser, DeviceFlow, OAuthClient, revoke
from telpher.accounts.keys import open_keys
from telpher.accounts.vault import HOUSE, Vault
from telpher.cli.connect import run
from telpher.errors import (
    DriveUnreachableError,
    LoginClientError,
    LoginDeniedError,
    LoginExpiredError,
    LoginFailedError,
    LoginRequiredError,
    SettingsInvalidError,
)
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings
from telpher.store import open_store


class Google:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def post(self, path: str, body: Any) -> Any:
        async with self._session.post(self.url + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def credentials(self, kind: str = "device") -> str:
        return json.dumps(await self.post("/sandbox/google/clients", {"kind": kind}))

    async def flow(self) -> DeviceFlow:
        return DeviceFlow(OAuthClient.from_json(await self.credentials()), self.url)

    async def user(self) -> AuthorizedUser:
        return AuthorizedUser.from_json(json.dumps(await self.post("/sandbox/google/token", {})))

    async def refreshes(self) -> int:
        async with self._session.get(self.url + "/sandbox/log") as answer:
            return sum(item["path"].startswith("/token") for item in await answer.json())


@pytest.fixture
async def google(tmp_path: Path) -> AsyncIterator[Google]:
    async with Sandbox(state_dir=tmp_path / "sandbox") as sandbox, aiohttp.ClientSession() as session:
        google = Google(sandbox.url, session)
        await google.post("/sandbox/google/settings", {"device_interval_s": 0.05})
        yield google


async def answer(google: Google, user_code: str, decision: str) -> None:
    await google.post("/sandbox/google/device", {"user_code": user_code, "decision": decision})


# -- the device flow


async def test_a_person_allows_it(google: Google) -> None:
    flow = await google.flow()
    code = await flow.begin()
    assert code.verification_url == f"{google.url}/device"
    assert str(code.device_code) not in repr(code)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(flow.wait(code))
        await asyncio.sleep(0.15)
        assert not waiting.done()
        await answer(google, code.user_code, "allow")
    user = waiting.result()
    assert user.scopes == ("https://www.googleapis.com/auth/drive.file",)
    for secret in (user.token, user.refresh_token, user.client_secret):
        assert secret
        assert str(secret) not in repr(user)
    assert AuthorizedUser.from_json(user.to_json()) == user


async def test_a_person_declines(google: Google) -> None:
    flow = await google.flow()
    code = await flow.begin()
    await answer(google, code.user_code, "deny")
    with pytest.raises(LoginDeniedError):
        await flow.wait(code)


async def test_a_code_expires_at_google(google: Google) -> None:
    flow = await google.flow()
    code = await flow.begin()
    await google.post("/sandbox/google/expire", {"what": "device_codes"})
    with pytest.raises(LoginExpiredError):
        await flow.wait(code)


async def test_a_code_expires_by_our_clock(google: Google) -> None:
    class Clock:
        now_s = 0.0

        def __call__(self) -> float:
            return self.now_s

        async def sleep(self, duration_s: float) -> None:
            self.now_s += 600
            await asyncio.sleep(duration_s)

    clock = Clock()
    client = OAuthClient.from_json(await google.credentials())
    flow = DeviceFlow(client, google.url, clock=clock, sleep=clock.sleep)
    with pytest.raises(LoginExpiredError):
        await flow.wait(await flow.begin())
    assert clock.now_s >= 1800


async def test_polling_slows_down_as_told_and_on_faults(google: Google) -> None:
    waits = []

    async def sleep(duration_s: float) -> None:
        waits.append(duration_s)
        await asyncio.sleep(0)

    flow = DeviceFlow(OAuthClient.from_json(await google.credentials()), google.url, sleep=sleep)
    await google.post("/sandbox/google/settings", {"device_interval_s": 5})
    code = await flow.begin()
    await google.post("/sandbox/faults", {"match": "POST /token", "kind": "drop_answer", "times": 1})
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(flow.wait(code))
        while len(waits) < 4:
            await asyncio.sleep(0.01)
        waiting.cancel()
    # Dropped: doubled. Then Google says "slow_down" to each, since here nobody really waits.
    assert waits[:4] == [5, 10, 15, 20]


async def test_a_client_of_another_type(google: Google) -> None:
    with pytest.raises(LoginClientError, match="TVs and Limited Input"):
        OAuthClient.from_json(await google.credentials("web"))
    flow = DeviceFlow(OAuthClient.from_json(await google.credentials("desktop")), google.url)
    with pytest.raises(LoginClientError, match="TVs and Limited Input"):
        await flow.begin()


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"installed": {}}', '{"installed": 1}'])
def test_files_that_are_none(text: str) -> None:
    with pytest.raises(LoginClientError):
        OAuthClient.from_json(text)
    with pytest.raises(LoginFailedError):
        AuthorizedUser.from_json(text)


def test_a_quickstarts_token_file_is_read() -> None:
    facts = {
        "token": "ya29.x",
        "refresh_token": "1//y",
        "token_uri": "https://oauth2.googleapis.com/token",
        "client_id": "id",
        "client_secret": "secret",
        "scopes": ["https://www.googleapis.com/auth/drive"],
        "universe_domain": "googleapis.com",
        "account": "",
        "expiry": "2024-05-01T12:00:00.123456Z",
    }
    user = AuthorizedUser.from_json(json.dumps(facts))
    assert user.expires_at == dt.datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    assert json.loads(user.to_json())["expiry"] == facts["expiry"]
    del facts["refresh_token"]
    with pytest.raises(LoginFailedError, match="refresh_token"):
        AuthorizedUser.from_json(json.dumps(facts))


def test_our_token_file_is_read_by_googles_own_library(tmp_path: Path) -> None:
    from google.oauth2.credentials import Credentials

    facts = {"client_id": "id", "client_secret": "secret", "refresh_token": "1//y"}
    (tmp_path / "token.json").write_text(AuthorizedUser.from_json(json.dumps(facts)).to_json())
    credentials = Credentials.from_authorized_user_file(str(tmp_path / "token.json"))  # type: ignore[no-untyped-call]
    assert credentials.refresh_token == "1//y"


# -- credentials that renew themselves


async def test_a_token_is_renewed_ahead_of_expiry_once_for_all(google: Google) -> None:
    import dataclasses

    user = await google.user()
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    authorizer = GoogleAuthorizer(dataclasses.replace(user, expires_at=soon), oauth_url=google.url)
    before = await google.refreshes()
    tokens = await asyncio.gather(*(authorizer.token() for _ in range(10)))
    assert len(set(tokens)) == 1
    assert tokens[0] != str(user.token)
    assert await google.refreshes() == before + 1


async def test_a_refused_token_is_replaced_once_for_all(google: Google) -> None:
    authorizer = GoogleAuthorizer(await google.user(), oauth_url=google.url)
    token = await authorizer.token()
    before = await google.refreshes()
    await asyncio.gather(*(authorizer.refused(token) for _ in range(10)))
    assert await authorizer.token() != token
    assert await google.refreshes() == before + 1


async def test_a_token_that_is_still_good_survives_a_failed_renewal(google: Google) -> None:
    import dataclasses

    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    user = dataclasses.replace(await google.user(), expires_at=soon)
    authorizer = GoogleAuthorizer(user, oauth_url="http://127.0.0.1:9")
    assert await authorizer.token() == str(user.token)
    with pytest.raises(DriveUnreachableError):
        await authorizer.refused(str(user.token))


async def test_a_revoked_grant_is_told_without_its_secrets(google: Google, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    user = await google.user()
    authorizer = GoogleAuthorizer(user, oauth_url=google.url)
    await revoke(user, google.url)
    await revoke(user, google.url)
    with pytest.raises(LoginRequiredError, match="invalid_grant") as caught:
        await authorizer.refused(str(user.token))
    told = caplog.text + repr(caught.value) + repr(authorizer)
    for secret in (user.token, user.refresh_token, user.client_secret):
        assert str(secret) not in told


# -- kept in the vault


async def test_what_is_renewed_is_kept(google: Google, tmp_path: Path) -> None:
    store = open_store(tmp_path / "telpher.db")
    vault = Vault(store, open_keys(tmp_path, {}))
    with pytest.raises(LoginRequiredError):
        await house_authorizer(vault, oauth_url=google.url)
    user = await google.user()
    account = await keep(vault, user, person_id=HOUSE, subject="anna@example.com")
    authorizer = await house_authorizer(vault, oauth_url=google.url)
    await authorizer.refused(str(user.token))
    renewed = await authorizer.token()
    assert await (await authorizer_of(vault, account.id, oauth_url=google.url)).token() == renewed
    await store.close()


async def test_a_token_file_of_the_settings(google: Google, tmp_path: Path) -> None:
    store = open_store(tmp_path / "telpher.db")
    vault = Vault(store, open_keys(tmp_path, {}))
    user = await google.user()
    file = tmp_path / "token.json"
    with pytest.raises(SettingsInvalidError, match="GOOGLE_TOKEN_FILE"):
        await house_authorizer(vault, oauth_url=google.url, token_file=file)
    file.write_text("{")
    with pytest.raises(SettingsInvalidError, match="GOOGLE_TOKEN_FILE"):
        await house_authorizer(vault, oauth_url=google.url, token_file=file)
    file.write_text(user.to_json())
    authorizer = await house_authorizer(vault, oauth_url=google.url, token_file=file)
    assert await authorizer.token() == str(user.token)
    await store.close()


# -- the command


def arguments(file: Path) -> Any:
    import argparse

    return argparse.Namespace(drive="google", credentials=file)


async def test_telpher_connect_google(google: Google, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(await google.credentials())
    settings = Settings(data_dir=tmp_path / "data", google_api_url=google.url, google_oauth_url=google.url)
    shown = ""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(asyncio.to_thread(run, arguments(file), settings))
        while "code " not in shown:
            await asyncio.sleep(0.02)
            shown += capsys.readouterr().out
            assert not running.done(), capsys.readouterr().err
        await answer(google, shown.split("code ")[1].split()[0], "allow")
    assert running.result() == 0
    assert capsys.readouterr().out == "Connected as anna@example.com.\n"
    for name in ("telpher.db", "vault.key"):
        assert (settings.data_dir / name).stat().st_mode & 0o777 == 0o600
    store = open_store(settings.data_dir / "telpher.db")
    vault = Vault(store, open_keys(settings.data_dir, {}))
    assert [account.subject for account in await vault.list_for(HOUSE)] == ["anna@example.com"]
    assert await (await house_authorizer(vault, oauth_url=google.url)).token()
    await store.close()


@pytest.mark.parametrize("kind", ["web", "desktop", "missing", "damaged"])
async def test_telpher_connect_says_in_one_line_what_is_wrong(
    google: Google, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    file = tmp_path / "credentials.json"
    if kind == "damaged":
        file.write_text("{")
    elif kind != "missing":
        file.write_text(await google.credentials(kind))
    settings = Settings(data_dir=tmp_path / "data", google_api_url=google.url, google_oauth_url=google.url)
    assert await asyncio.to_thread(run, arguments(file), settings) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("telpher: ")
    assert shown.err.count("\n") == 1
