"""Google's OAuth for devices (RFC 8628), and the two files that Google's tools write: the client's and the authorized user's.

https://developers.google.com/identity/protocols/oauth2/limited-input-device. Nothing here knows a chat, a terminal or a web framework: the
caller shows the code and waits.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from telpher.errors import (
    DriveUnreachableError,
    LoginClientError,
    LoginDeniedError,
    LoginExpiredError,
    LoginFailedError,
    LoginTokenMissingError,
)
from telpher.settings import Secret

DRIVE_FILE_SCOPE = "https://www.googleapis.com/auth/drive.file"

_NO_TOKEN = Secret("")
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_SLOW_DOWN_S = 5.0
_DEVICE_CLIENT = 'make an OAuth client of the type "TVs and Limited Input devices" in Google\'s console'
_FAULTS: dict[str, tuple[type[LoginFailedError], str]] = {
    "access_denied": (LoginDeniedError, "access was declined"),
    "expired_token": (LoginExpiredError, "the code was not entered in time; begin again"),
    "invalid_grant": (LoginExpiredError, "the code is no longer valid; begin again"),
    "invalid_client": (LoginClientError, f"Google does not accept this client: {_DEVICE_CLIENT}"),
    "unauthorized_client": (LoginClientError, f"this client may not log in devices: {_DEVICE_CLIENT}"),
    "deleted_client": (LoginClientError, "this client was deleted in Google's console: make another one"),
    "org_internal": (LoginDeniedError, "only accounts of the client's own organisation may log in"),
    "admin_policy_enforced": (LoginDeniedError, "the account's administrator does not allow this"),
}


@dataclasses.dataclass(frozen=True)
class OAuthClient:
    """The operator's own client."""

    client_id: str
    client_secret: Secret
    is_web: bool = False
    """Made for a web server: it may only lead back to the addresses that the console knows."""

    @classmethod
    def from_json(cls, text: str, *, may_be_web: bool = False) -> OAuthClient:
        """Read `credentials.json` as Google's console gives it out. Raises LoginClientError."""
        try:
            document = json.loads(text)
            kind = next(iter(document))
            facts = document[kind]
            client = cls(str(facts["client_id"]), Secret(facts["client_secret"]), kind == "web")
        except (ValueError, KeyError, TypeError, StopIteration):
            raise LoginClientError("this is not a client's file as Google's console gives it out") from None
        if kind != "installed" and not (may_be_web and client.is_web):
            raise LoginClientError(f"this client is of the type {kind!r}: {_DEVICE_CLIENT}")
        return client


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuthorizedUser:
    """What a person granted, as Google's libraries write it to `token.json`."""

    client_id: str
    client_secret: Secret
    refresh_token: Secret
    token: Secret = _NO_TOKEN
    """The access token; empty when there is none yet."""
    expires_at: dt.datetime | None = None
    scopes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> AuthorizedUser:
        """Raises LoginFailedError for what is no such file, or has no refresh token."""
        try:
            facts = json.loads(text)
            expiry = facts.get("expiry")
            scopes = facts.get("scopes") or ()
            return cls(
                client_id=str(facts["client_id"]),
                client_secret=Secret(facts["client_secret"]),
                refresh_token=Secret(facts["refresh_token"]),
                token=Secret(facts.get("token") or ""),
                expires_at=_utc(dt.datetime.fromisoformat(expiry)) if expiry else None,
                scopes=tuple(scopes.split() if isinstance(scopes, str) else scopes),
            )
        except KeyError as error:
            raise LoginFailedError(f"this log-in has no {error.args[0]}: log in again") from None
        except (ValueError, TypeError, AttributeError):
            raise LoginFailedError("this is not an authorized user's file as Google's quickstart writes it") from None

    def to_json(self, token_uri: str = "https://oauth2.googleapis.com/token") -> str:  # noqa: S107 - an address
        """As Google's libraries read it."""
        facts = {
            "type": "authorized_user",
            "client_id": self.client_id,
            "client_secret": str(self.client_secret),
            "refresh_token": str(self.refresh_token),
            "token": str(self.token),
            "token_uri": token_uri,
            "scopes": list(self.scopes),
            "universe_domain": "googleapis.com",
        }
        if self.expires_at is not None:
            facts["expiry"] = self.expires_at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        return json.dumps(facts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceCode:
    """What the person is shown, and what we ask with meanwhile."""

    user_code: str
    verification_url: str
    device_code: Secret
    interval_s: float
    expires_at_s: float
    """On the flow's own clock."""


class DeviceFlow:
    """One log-in: `begin`, show the code, `wait`."""

    def __init__(
        self,
        client: OAuthClient,
        oauth_url: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._oauth_url = oauth_url
        self._clock = clock
        self._sleep = sleep

    async def begin(self, scopes: tuple[str, ...] = (DRIVE_FILE_SCOPE,)) -> DeviceCode:
        """Ask for a code. Raises LoginFailedError, DriveUnreachableError."""
        status, answer = await post_form(
            f"{self._oauth_url}/device/code", {"client_id": self._client.client_id, "scope": " ".join(scopes)}
        )
        if status != 200:
            raise failure_of(answer)
        try:
            return DeviceCode(
                user_code=str(answer["user_code"]),
                # Google says `verification_url`, RFC 8628 `verification_uri`.
                verification_url=str(answer.get("verification_url") or answer["verification_uri"]),
                device_code=Secret(answer["device_code"]),
                interval_s=float(answer.get("interval", 5)),
                expires_at_s=self._clock() + float(answer["expires_in"]),
            )
        except (KeyError, TypeError, ValueError):
            raise LoginFailedError("Google's answer makes no sense") from None

    async def wait(self, code: DeviceCode) -> AuthorizedUser:
        """Wait until the person has answered on Google's page. Raises LoginFailedError."""
        interval_s = code.interval_s
        form = {
            "client_id": self._client.client_id,
            "client_secret": str(self._client.client_secret),
            "device_code": str(code.device_code),
            "grant_type": _DEVICE_GRANT,
        }
        while self._clock() < code.expires_at_s:
            await self._sleep(interval_s)
            try:
                status, answer = await post_form(f"{self._oauth_url}/token", form)
            except DriveUnreachableError:
                # RFC 8628, section 3.5: a connection that fails is a reason to ask less often.
                interval_s *= 2
                continue
            if status == 200:
                return granted(self._client, answer)
            if answer.get("error") == "slow_down":
                interval_s += _SLOW_DOWN_S
            elif answer.get("error") != "authorization_pending":
                raise failure_of(answer)
        raise LoginExpiredError("the code was not entered in time; begin again")


def granted(client: OAuthClient, answer: Mapping[str, Any]) -> AuthorizedUser:
    """What the token endpoint gave. Raises LoginTokenMissingError."""
    if not answer.get("refresh_token"):
        raise LoginTokenMissingError("Google gave no refresh token: log in again")
    lifetime = dt.timedelta(seconds=float(answer.get("expires_in", 0)))
    return AuthorizedUser(
        client_id=client.client_id,
        client_secret=client.client_secret,
        refresh_token=Secret(answer["refresh_token"]),
        token=Secret(answer.get("access_token") or ""),
        expires_at=dt.datetime.now(dt.UTC) + lifetime,
        scopes=tuple(str(answer.get("scope", "")).split()),
    )


async def revoke(user: AuthorizedUser, oauth_url: str) -> None:
    """End the grant at Google too; no error if it has ended already. Raises DriveUnreachableError."""
    await post_form(f"{oauth_url}/revoke", {"token": str(user.refresh_token)})


async def post_form(url: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """The status and the JSON. Raises DriveUnreachableError."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, data=form, allow_redirects=False) as answer,
        ):
            if answer.status >= 500 or answer.status == 429:
                raise DriveUnreachableError(f"{answer.status} from Google's log-in")
            body = await answer.json(content_type=None)
            return answer.status, body if isinstance(body, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise DriveUnreachableError(f"Google's log-in did not answer ({type(error).__name__})") from error


def failure_of(answer: Mapping[str, Any]) -> LoginFailedError:
    """Why a log-in did not work, from Google's JSON or the address that it leads back to."""
    word = str(answer.get("error", ""))
    kind, text = _FAULTS.get(word, (LoginFailedError, ""))
    description = str(answer.get("error_description", "")) or word or "an answer that makes no sense"
    return kind(text or f"Google says: {description}")


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
