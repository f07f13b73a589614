"""The part of the composition root that builds how people link accounts: log-ins, their messages, `/accounts`, the end of the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping

from telpher.access import Access, EntryRefs
from telpher.accounts.google_oauth import AuthorizedUser
from telpher.actions.connect_google import KIND, LANE, PAGE_ENDS_KIND, ConnectGoogle, GoogleDoor
from telpher.actions.login_book import LoginBook
from telpher.actions.my_drives import MyDrives
from telpher.actions.personal_drives import LinkedDrive, PersonalDrives
from telpher.bot.formats import plain, reason
from telpher.bot.login_messages import LoginAlarm, LoginMessages
from telpher.bot.ports import Outbox
from telpher.bot.texts import Texts
from telpher.errors import TelpherError
from telpher.jobs.port import Queue
from telpher.jobs.turns import Lane
from telpher.settings import Settings
from telpher.store import Store
from telpher.web.login import Finish

LOGIN_LANE = Lane(name=LANE, total=200, per_person=2)
"""A log-in waits for a person, and takes nothing from anybody meanwhile."""


@dataclasses.dataclass(frozen=True)
class Linking:
    """What `/connect` and `/accounts` are made of."""

    connect_google: ConnectGoogle
    my_drives: MyDrives
    alarm: LoginAlarm
    finish_from_web: Finish


def build_linking(
    settings: Settings,
    *,
    store: Store,
    access: Access,
    drives: PersonalDrives,
    queue: Queue,
    outbox: Outbox,
    web_port: Callable[[], int],
    end_shares: Callable[[LinkedDrive], Awaitable[None]],
    ends_waiting: Callable[[str], Awaitable[int]],
) -> Linking:
    """Registers its work with `queue`; start the alarm before that."""

    def texts_for(person_id: int) -> Texts:
        return Texts.for_language(access.language_of(person_id))

    refs = EntryRefs(store)
    my_drives = MyDrives(
        access=access,
        drives=drives,
        refs=refs,
        vault=drives.vault,
        queue=queue,
        oauth_url=settings.google_oauth_url,
        end_shares=end_shares,
    )
    connect_google = ConnectGoogle(
        access=access,
        drives=drives,
        vault=drives.vault,
        house_vault=drives.house_vault,
        book=LoginBook(store),
        queue=queue,
        door=GoogleDoor(
            oauth_url=settings.google_oauth_url,
            login_url=settings.google_login_url,
            credentials_file=settings.google_credentials_file,
            whole_drive_credentials_file=settings.google_whole_drive_credentials_file,
            public_url=settings.webhook_url,
            web_port=web_port,
        ),
        whose_is=lambda user: _whose_is(settings, user),
        tell=LoginMessages(outbox, drives, my_drives.token_of, texts_for),
    )
    queue.register(KIND, connect_google.work)
    queue.register(PAGE_ENDS_KIND, connect_google.end_page)

    async def finish_from_web(query: Mapping[str, str]) -> str:
        try:
            login, connected = await connect_google.finish(query)
        except TelpherError as error:
            # Whose browser this is, nobody knows: English, as on the page around it.
            return plain(reason(Texts.for_language("en"), error.text_key, error.params))
        return texts_for(login.person_id).t("connect.page_done", subject=connected.subject)

    alarm = LoginAlarm(
        queue=queue,
        outbox=outbox,
        drives=drives,
        my_drives=my_drives,
        ends_waiting=ends_waiting,
        texts_for=texts_for,
    )
    return Linking(connect_google, my_drives, alarm, finish_from_web)


async def _whose_is(settings: Settings, user: AuthorizedUser) -> str:
    # Google's libraries only for Google.
    from telpher.accounts.credentials import GoogleAuthorizer  # noqa: PLC0415
    from telpher.drives.google import open_google_drive  # noqa: PLC0415

    drive = await open_google_drive(
        api_url=settings.google_api_url,
        authorizer=GoogleAuthorizer(user, oauth_url=settings.google_oauth_url),
        home_file=settings.data_dir / "google-home",
    )
    try:
        return await drive.owner()
    finally:
        await drive.close()
