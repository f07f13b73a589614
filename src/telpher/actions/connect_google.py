"""Connect Google: a person logs in to their own account from the chat, by a code on any device or in their browser.

What is under way survives a restart: the code's wait is a job, the browser's log-in a row; their secrets are stored encrypted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from telpher.access import Access, Right
from telpher.accounts import google_browser
from telpher.accounts.google_browser import WHOLE_DRIVE_SCOPE
from telpher.accounts.google_oauth import (
    DRIVE_FILE_SCOPE,
    AuthorizedUser,
    DeviceCode,
    DeviceFlow,
    OAuthClient,
    revoke,
)
from telpher.accounts.vault import HOUSE, Vault
from telpher.actions.login_book import LoginBook, LoginUnderWay
from telpher.actions.personal_drives import GOOGLE, PersonalDrives
from telpher.errors import (
    LoginAccountError,
    LoginClientError,
    LoginClientMissingError,
    LoginExpiredError,
    LoginFailedError,
    LoginLinkError,
    LoginRequiredError,
    LoginScopeError,
    TelpherError,
)
from telpher.jobs.port import Job, JobRun, NewJob, Payload, Queue
from telpher.settings import Secret

KIND = "connect_google"
LANE = "login"
PAGE_ENDS_KIND = "login_page_ends"
_PAGE_ENDS_LANE = "promise"
BROWSER_LOGIN_S = 600.0

WhoseIs = Callable[[AuthorizedUser], Awaitable[str]]
"""The e-mail address of a grant's account. Raises DriveError."""


@dataclasses.dataclass(frozen=True)
class Place:
    """The message that shows a log-in."""

    person_id: int
    chat_id: int
    message_id: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Connected:
    """A log-in that worked."""

    drive: str
    subject: str
    is_default: bool
    """New files go there now."""
    resumed: int
    """How many jobs waited for it."""


class TellsLogin(Protocol):
    """Brings a log-in's message up to date. Implemented in `bot/`, handed in by `app.py`. Raises TelpherError."""

    async def connected(self, place: Place, connected: Connected) -> None: ...

    async def failed(self, place: Place, error: TelpherError, renews: str) -> None: ...

    async def stopped(self, place: Place) -> None: ...

    async def ended(self, place: Place, error: TelpherError, renews: str) -> None:
        """As `failed`, but nobody waits for it: a message that is gone is not replaced."""


@dataclasses.dataclass(frozen=True)
class CodeToShow:
    """What the person types on Google's page, and what the job then waits with (encrypted)."""

    address: str
    code: str
    lasts_s: float
    sealed: str


@dataclasses.dataclass(frozen=True)
class PageToOpen:
    """Google's page for the whole drive; `is_public` says that it leads back to our web server by itself."""

    url: str
    is_public: bool
    login: google_browser.BrowserLogin


@dataclasses.dataclass(frozen=True, kw_only=True)
class GoogleDoor:
    """Where the operator's Google client comes from, and where Google is."""

    oauth_url: str
    login_url: str
    credentials_file: Path | None
    whole_drive_credentials_file: Path | None
    public_url: str
    """Of our web server; empty where it has none."""
    web_port: Callable[[], int]

    async def device_client(self) -> OAuthClient:
        """Raises LoginClientMissingError, LoginClientError."""
        return await _client(self.credentials_file, may_be_web=False)

    async def browser_client(self) -> OAuthClient:
        """Raises as above."""
        client = await _client(self.whole_drive_credentials_file or self.credentials_file, may_be_web=True)
        if client.is_web and not self.public_url:
            raise LoginClientError("a client of the type Web application needs WEBHOOK_URL to lead back to")
        return client

    def way_back(self, client: OAuthClient) -> str:
        """Where Google's page leads: our public address, or this machine's, which the person's browser may or may not be on."""
        return f"{self.public_url if client.is_web else f'http://127.0.0.1:{self.web_port()}'}/oauth/google"


class ConnectGoogle:
    """Shows begin with `begin_…`, are followed by `wait_for_…`, and end in `work` or `finish`."""

    def __init__(
        self,
        *,
        access: Access,
        drives: PersonalDrives,
        vault: Vault,
        house_vault: Vault,
        book: LoginBook,
        queue: Queue,
        door: GoogleDoor,
        whose_is: WhoseIs,
        tell: TellsLogin,
    ) -> None:
        self._access = access
        self._drives = drives
        self._vault = vault
        self._house_vault = house_vault
        self._book = book
        self._queue = queue
        self._door = door
        self._whose_is = whose_is
        self._tell = tell

    async def check(self, person_id: int) -> None:
        """Raise LoginClientMissingError where the operator has not prepared any log-in, AccessDeniedError."""
        self._access.require(person_id, Right.USE_DRIVE)
        await _client(self._door.credentials_file or self._door.whole_drive_credentials_file, may_be_web=True)

    async def begin_code(self, person_id: int) -> CodeToShow:
        """Ask Google for a code. Raises AccessDeniedError, LoginFailedError, DriveUnreachableError."""
        self._access.require(person_id, Right.USE_DRIVE)
        flow = DeviceFlow(await self._door.device_client(), self._door.oauth_url, clock=time.time)
        code = await flow.begin()
        await self._vault.ready()
        facts = {**dataclasses.asdict(code), "device_code": str(code.device_code)}
        return CodeToShow(
            code.verification_url,
            code.user_code,
            code.expires_at_s - time.time(),
            self._vault.sealed(json.dumps(facts)),
        )

    async def wait_for_code(self, place: Place, shown: CodeToShow, *, key: str, renews: str = "") -> None:
        """Wait for the person in the background, also after a restart. An earlier log-in of theirs ends."""
        await self.stop(place.person_id, in_place_of=place.message_id)
        await self._queue.enqueue(
            NewJob(
                key=f"{KIND}:{key}",
                kind=KIND,
                lane=LANE,
                person_id=place.person_id,
                payload={
                    "name": "Google Drive",
                    "chat_id": place.chat_id,
                    "message_id": place.message_id,
                    "sealed": shown.sealed,
                    "renews": renews,
                },
            )
        )

    async def begin_page(self, person_id: int, renews: str = "") -> PageToOpen:
        """Google's page for the whole drive. Raises AccessDeniedError, LoginFailedError."""
        self._access.require(person_id, Right.USE_DRIVE)
        client = await self._door.browser_client()
        hint = await self._subject_of(person_id, renews) if renews else ""
        login = google_browser.begin(client, self._door.login_url, self._door.way_back(client), hint=hint)
        await google_browser.check(login)
        return PageToOpen(login.url, client.is_web, login)

    async def wait_for_page(self, place: Place, shown: PageToOpen, *, renews: str = "") -> None:
        """Expect what the page leads back with, for ten minutes; then its message says so. An earlier log-in of theirs ends."""
        await self.stop(place.person_id, in_place_of=place.message_id)
        await self._vault.ready()
        sealed = self._vault.sealed(shown.login.to_json())
        state_hash = google_browser.hash_of(shown.login.state)
        login = LoginUnderWay(place.person_id, place.chat_id, place.message_id, sealed, renews)
        await self._book.put(state_hash, login)
        await self._queue.enqueue(
            NewJob(
                key=f"{PAGE_ENDS_KIND}:{state_hash}",
                kind=PAGE_ENDS_KIND,
                lane=_PAGE_ENDS_LANE,
                # Nobody's own: it stands in no list of jobs, and no button cancels it.
                person_id=0,
                payload={"state_hash": state_hash},
                run_at=dt.datetime.fromtimestamp(login.created_at_s + BROWSER_LOGIN_S, dt.UTC),
            )
        )

    async def end_page(self, run: JobRun) -> None:
        """A page's ten minutes are over: whoever still waits for it is told. Nothing to do for one that has led back, or was stopped."""
        state_hash = str(run.job.payload["state_hash"])
        login = await self._book.find(state_hash)
        if login is not None:
            place = Place(login.person_id, login.chat_id, login.message_id)
            await self._tell.ended(place, LoginExpiredError("ten minutes are over"), login.renews)
            await self._book.take(state_hash, login.person_id)

    async def finish(self, query: Mapping[str, str], person_id: int | None = None) -> tuple[LoginUnderWay, Connected]:
        """Take what Google's page led back with: from our web server, or pasted by this person. The log-in's message tells it too.

        Raises LoginFailedError, DriveError.
        """
        login = await self._book.take(google_browser.hash_of(query.get("state", "")), person_id)
        if login is None:
            raise LoginLinkError("no such log-in is under way")
        place = Place(login.person_id, login.chat_id, login.message_id)
        try:
            self._access.require(login.person_id, Right.USE_DRIVE)
            if time.time() - login.created_at_s >= BROWSER_LOGIN_S:
                raise LoginExpiredError("ten minutes are over")
            client = await self._door.browser_client()
            await self._vault.ready()
            kept = self._vault.opened(login.sealed)
            user = await google_browser.finish(client, self._door.oauth_url, kept, query)
            connected = await self._keep(login.person_id, user, WHOLE_DRIVE_SCOPE, login.renews)
        except TelpherError as error:
            await self._tell.failed(place, error, login.renews)
            raise
        await self._tell.connected(place, connected)
        return login, connected

    async def stop(self, person_id: int, *, in_place_of: int = 0) -> None:
        """Wait no longer for the person's log-in, whichever is under way; its message says so, unless it is `in_place_of` that one."""
        for login in await self._book.forget(person_id):
            if login.message_id != in_place_of:
                await self._tell.stopped(Place(login.person_id, login.chat_id, login.message_id))
        for job in await self._queue.list_for(person_id):
            if job.kind == KIND and await self._queue.cancel(job.id):
                await self.forget(job)

    async def forget(self, job: Job) -> None:
        """Say that a log-in was stopped, and keep nothing of it."""
        await self._book.drop_grant(int(job.id))
        await self._tell.stopped(_place(job))

    async def work(self, run: JobRun) -> Payload:
        """Wait until the person has entered the code. Raises LoginFailedError."""
        payload = run.job.payload
        place, renews = _place(run.job), str(payload["renews"])
        try:
            connected = await self._connect(run.job, str(payload["sealed"]), renews)
        except LoginFailedError as error:
            await self._tell.failed(place, error, renews)
            await self._book.drop_grant(int(run.job.id))
            raise
        except asyncio.CancelledError:
            if run.cancelled.is_set():
                await self.forget(run.job)
            raise
        await self._tell.connected(place, connected)
        await self._book.drop_grant(int(run.job.id))
        return {"name": payload["name"], "drive": connected.drive}

    async def _connect(self, job: Job, sealed: str, renews: str) -> Connected:
        await self._vault.ready()
        granted = await self._book.grant_of(int(job.id))
        if granted is None:
            try:
                facts = json.loads(self._vault.opened(sealed))
            except LoginRequiredError:
                raise LoginExpiredError("the key that this was kept with is gone") from None
            code = DeviceCode(**{**facts, "device_code": Secret(facts["device_code"])})
            flow = DeviceFlow(await self._door.device_client(), self._door.oauth_url, clock=time.time)
            granted = (await flow.wait(code)).to_json()
            # Google gives it once: from here on no crash may lose it.
            await self._book.keep_grant(int(job.id), _under_way(job, self._vault.sealed(granted)))
        else:
            granted = self._vault.opened(granted)
        return await self._keep(job.person_id, AuthorizedUser.from_json(granted), DRIVE_FILE_SCOPE, renews)

    async def _keep(self, person_id: int, user: AuthorizedUser, scope: str, renews: str) -> Connected:
        if scope not in user.scopes:
            raise LoginScopeError("the access to the drive was not granted")
        subject = await self._whose_is(user)
        wanted = await self._subject_of(person_id, renews) if renews else ""
        if wanted and wanted != subject:
            if not await self._vault.count_of(GOOGLE, subject) + await self._house_vault.count_of(GOOGLE, subject):
                await revoke(user, self._door.oauth_url)
            raise LoginAccountError(wanted=wanted, got=subject)
        known = await self._drives.account_named(person_id, subject) or renews
        if known and self._drives.belongs_to_house(person_id, known):
            vault, holder_id = self._house_vault, HOUSE
        else:
            vault, holder_id = self._vault, person_id
        account = await vault.put(
            person_id=holder_id, drive=GOOGLE, subject=subject, scopes=user.scopes, secret=user.to_json()
        )
        name = GOOGLE if holder_id == HOUSE else f"{GOOGLE}-{account.id}"
        await self._drives.renewed(name)
        if not known:
            await self._drives.choose(person_id, name)
        resumed = await self._queue.resume_account(name)
        return Connected(drive=name, subject=subject, is_default=not known, resumed=resumed)

    async def _subject_of(self, person_id: int, account: str) -> str:
        link = await self._drives.find(person_id, account)
        return link.title if link is not None else ""


async def _client(file: Path | None, *, may_be_web: bool) -> OAuthClient:
    if file is None:
        raise LoginClientMissingError("GOOGLE_CREDENTIALS_FILE is not set")
    try:
        text = await asyncio.to_thread(file.read_text)
    except OSError as error:
        raise LoginClientMissingError(f"{file} cannot be read ({error.strerror})") from None
    return OAuthClient.from_json(text, may_be_web=may_be_web)


def _place(job: Job) -> Place:
    return Place(job.person_id, int(job.payload["chat_id"]), int(job.payload["message_id"]))


def _under_way(job: Job, sealed: str) -> LoginUnderWay:
    place = _place(job)
    return LoginUnderWay(place.person_id, place.chat_id, place.message_id, sealed, str(job.payload["renews"]))
