"""The composition root: builds everything from the settings, starts it in order, stops it in the reverse order within two seconds.

Alone here, and in the parts that it is made of (`furnish`, `admission`, `linking`, `drive_opener`), concrete drives, queues, kernels and
Telegram's parts are named. What is heavy and not always needed is imported where it is needed, so that an idle bot stays small.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, ContextTypes, ExtBot

from telpher import notify
from telpher.actions.alerts import Alerts
from telpher.actions.limited_queue import LimitedQueue
from telpher.actions.measures import Measures, bytes_below
from telpher.actions.personal_drives import FOLDER, GOOGLE, House, PersonalDrives
from telpher.admission import build_admission
from telpher.bot.desk import Desk
from telpher.bot.dispatch import Dispatcher, HandlerApplication
from telpher.bot.handlers import register, tell_failure
from telpher.bot.intake import Intake, Received
from telpher.bot.kinds import kind_of
from telpher.bot.polling import ALLOWED_UPDATES, Poller, describe
from telpher.bot.ports import BotIdentity
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.drive_opener import DriveOpener, has_house_drive, house_vault_of, open_vault, opened_drive
from telpher.drives.observed import observed
from telpher.errors import SettingsInvalidError, StoreError, TelpherError
from telpher.furnish import Ground, Rooms, furnish
from telpher.jobs.embedded import DEFAULT_LANES, EmbeddedQueue
from telpher.jobs.turns import Lane
from telpher.linking import LOGIN_LANE
from telpher.metrics import render
from telpher.profiling import OneRun, Profiles
from telpher.retention import build_housekeeping
from telpher.settings import DriveKind, Settings, secrets_in
from telpher.store import Store, open_store
from telpher.tasks import Nursery
from telpher.web import LoginEndpoint, Webhook, WebhookEndpoint, WebServer

_log = logging.getLogger(__name__)

__all__ = ["App", "opened_drive", "secrets_of"]

_GRACE_S = 0.5
_LONGEST_WAIT_S = 30.0


def secrets_of(settings: Settings) -> list[str]:
    """What no log line may show."""
    return [settings.telegram_token, settings.webhook_secret, *secrets_in(settings.database_url)]


class App:
    """A whole Telpher in this process. `async with` starts and stops it; `state_dir` keeps its database and spool.

    Raises SettingsInvalidError when it cannot start as set.
    """

    def __init__(self, settings: Settings, *, state_dir: Path | None = None, profile_dir: Path | None = None) -> None:
        self._settings = settings
        self._state_dir = state_dir or settings.data_dir
        self._address = ApiAddress(settings.telegram_api_url, settings.telegram_token)
        self._stack = contextlib.AsyncExitStack()
        self._measures: Measures | None = None
        self._profiles = Profiles(profile_dir) if profile_dir is not None else None
        self._one_run = OneRun()
        self._alerts: Alerts | None = None
        self._store: Store | None = None
        self._poller: Poller | None = None
        self._application: HandlerApplication | None = None
        self._desk: Desk | None = None
        self._dispatcher: Dispatcher | None = None
        self._web: WebServer | None = None
        self._login = LoginEndpoint(settings.webhook_url)
        self._is_started = False
        self._loss: asyncio.Future[StoreError] | None = None

    async def lost(self) -> StoreError:
        """Wait until this Telpher must end because another one has taken its database, and why. Once started."""
        assert self._loss is not None
        return await asyncio.shield(self._loss)

    @property
    def identity(self) -> BotIdentity:
        """Who we are in Telegram; known once started."""
        assert self._desk is not None
        return self._desk.identity

    @property
    def web_port(self) -> int:
        """Where health is told; known once started."""
        assert self._web is not None
        return self._web.port

    @property
    def measures(self) -> Measures:
        """What is counted of the work; known once started."""
        assert self._measures is not None
        return self._measures

    @property
    def alerts(self) -> Alerts:
        """What looks for that which needs a person; known once started."""
        assert self._alerts is not None
        return self._alerts

    @property
    def desk(self) -> Desk:
        """Every action and service; known once started."""
        assert self._desk is not None
        return self._desk

    @property
    def store(self) -> Store:
        """The open database; known once started."""
        assert self._store is not None
        return self._store

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open and start everything; what an earlier process left unfinished is taken up. Undone again when it fails."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop in the reverse order. What is interrupted goes on at the next start."""
        self._is_started = False
        await self._stack.aclose()

    async def _start(self) -> None:
        self._stack.callback(_lock(self._state_dir / "telpher.lock"))
        database = self._settings.database_of(self._state_dir)
        self._store = store = await asyncio.to_thread(open_store, database, alone=True, wait_s=_LONGEST_WAIT_S)
        self._loss = asyncio.get_running_loop().create_future()
        store.when_lost(self._loss.set_result)
        self._stack.push_async_callback(store.close)
        request = AiohttpRequest()
        await self._stack.enter_async_context(request)
        nursery = await self._stack.enter_async_context(Nursery("app"))
        intake = Intake(store, self._address.bot_id)
        measures = self._measures = Measures(store)
        if self._profiles is not None:
            self._stack.callback(self._profiles.dump)
        # After all that counts has stopped, and before the store closes.
        self._stack.push_async_callback(measures.keep)
        self._watch_places(measures)
        dispatcher = self._dispatcher = Dispatcher(
            intake, self._handle, self._tell_failure, watch=measures.update_handled
        )
        measures.gauge("telpher_updates_waiting", "Updates that wait or are being handled.", lambda: dispatcher.backlog)
        webhook = self._webhook()
        await self._listen(intake, dispatcher, webhook, measures)
        drives = await self._open_drives(store, measures)
        application = self._application = await self._meet_telegram(request)
        engine = EmbeddedQueue(store, _lanes(self._settings))
        measures.gauge("telpher_jobs", "Unfinished jobs, by lane.", engine.lengths, ("lane", "state"))
        admission = await build_admission(self._settings, store=store, engine=engine, intake=intake)
        bot: ExtBot[None] = application.bot
        rooms = furnish(
            Ground(
                settings=self._settings,
                state_dir=self._state_dir,
                identity=BotIdentity(bot.id, bot.username, bot.first_name),
                address=self._address,
                request=request,
                admission=admission,
                drives=drives,
                measures=measures,
                dispatcher=dispatcher,
                one_run=self._one_run,
                web_port=lambda: self.web_port,
            )
        )
        await self._start_rooms(rooms, admission.queue)
        desk, self._alerts = rooms.desk, rooms.alerts
        self._desk, self._login.finish = desk, rooms.linking.finish_from_web
        register(application, desk)
        self._stack.push_async_callback(dispatcher.stop, _GRACE_S)
        if left := await dispatcher.start():
            _log.info("%d updates of an earlier run are handled first", left)
        await self._receive(nursery, request, intake, dispatcher, webhook)
        self._stack.push_async_callback(desk.menus.stop)
        desk.menus.start()
        nursery.spawn(notify.keep_watchdog_fed(), name="watchdog")
        nursery.spawn(measures.run(), name="measures")
        nursery.spawn(build_housekeeping(admission, intake, bot_id=self._address.bot_id).run(), name="housekeeping")
        nursery.spawn(rooms.alerts.run(), name="alerts")
        self._is_started = True

    async def _open_drives(self, store: Store, measures: Measures) -> PersonalDrives:
        """Everybody's drives; none of them is asked anything yet. Raises SettingsInvalidError when that of the settings cannot be used."""
        settings = self._settings
        is_ours = self._state_dir == settings.data_dir
        house_vault = await self._stack.enter_async_context(house_vault_of(settings, store if is_ours else None))
        vault = house_vault if is_ours else open_vault(settings, store)
        opener = DriveOpener(settings, vault, house_vault, lambda drive: observed(drive, measures.drive_called))
        is_folder = settings.drive is DriveKind.FOLDER
        house = House(
            drive=(FOLDER if is_folder else GOOGLE) if await has_house_drive(settings, opener) else None,
            owner_id=next(iter(settings.owner_ids), 0),
            has_folders=is_folder,
        )
        drives = PersonalDrives(store, vault, house_vault, house, opener)
        self._stack.push_async_callback(drives.close)
        return drives

    async def _start_rooms(self, rooms: Rooms, queue: LimitedQueue) -> None:
        """What has a life of its own, each after what it leans on; what was going on at the last stop goes on."""
        self._stack.push_async_callback(rooms.carrier.close)
        await rooms.carrier.start()
        self._stack.push_async_callback(rooms.workshop.close)
        await rooms.show_run.prune()
        self._stack.push_async_callback(rooms.linking.alarm.stop)
        rooms.linking.alarm.start()
        self._stack.push_async_callback(rooms.share_notices.stop)
        rooms.share_notices.start(queue)
        self._stack.push_async_callback(rooms.desk.receipts.stop)
        await rooms.desk.receipts.start()
        self._stack.push_async_callback(queue.stop, _GRACE_S)
        await queue.start()
        await rooms.settle_share.start()
        await rooms.desk.people.finish_removals()
        # Whoever starts us may have logged in again meanwhile; if not, the next attempt pauses the account anew.
        await queue.resume_account(self._settings.drive.value)
        await rooms.linking.alarm.catch_up()

    async def _meet_telegram(self, request: AiohttpRequest) -> HandlerApplication:
        """Ask Telegram who we are, for as long as it takes: a machine may start before its network does."""
        root = self._settings.telegram_api_url
        bot: ExtBot[None] = ExtBot(
            self._settings.telegram_token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=request,
            get_updates_request=request,
            local_mode=self._settings.telegram_local,
        )
        builder = ApplicationBuilder().application_class(HandlerApplication).bot(bot).updater(None)
        application = builder.context_types(ContextTypes()).build()
        assert isinstance(application, HandlerApplication)
        await _patiently("Telegram", application.initialize)
        self._stack.push_async_callback(application.shutdown)
        return application

    def _webhook(self) -> Webhook | None:
        settings = self._settings
        if not settings.webhook_url:
            return None
        return Webhook.of(settings.webhook_url, settings.telegram_token, settings.webhook_secret)

    async def _listen(
        self, intake: Intake, dispatcher: Dispatcher, webhook: Webhook | None, measures: Measures
    ) -> None:
        endpoint = WebhookEndpoint(webhook, intake.accept, lambda: dispatcher.has_room) if webhook else None
        web = WebServer(
            self._settings.web_host,
            self._settings.web_port,
            checks=self._checks,
            metrics=lambda: render(measures.families()),
            webhook=endpoint,
            paths=webhook.paths if webhook else set(),
            login=self._login,
        )
        self._web = await self._stack.enter_async_context(web)

    async def _receive(
        self, nursery: Nursery, request: AiohttpRequest, intake: Intake, dispatcher: Dispatcher, webhook: Webhook | None
    ) -> None:
        """Let updates come: by webhook where one is set, else by polling."""
        if webhook is None:
            poller = self._poller = Poller(request, self._address, intake, dispatcher)
            polling = nursery.spawn(poller.run(), name="poll")
            self._stack.callback(polling.cancel)
            return
        parameters = {"url": webhook.url, "secret_token": webhook.secret, "allowed_updates": ALLOWED_UPDATES}
        await _patiently("the webhook", lambda: request.call(self._address.method("setWebhook"), parameters))

    async def _handle(self, update: Received) -> None:
        assert self._application is not None
        handling = self._application.process_update(Update.de_json(dict(update.raw), self._application.bot))
        if self._profiles is not None:
            await self._profiles.run(kind_of(update.raw), handling)
        else:
            await self._one_run.run(kind_of(update.raw), handling)

    async def _tell_failure(self, update: Received, _error: Exception) -> None:
        assert self._desk is not None
        with contextlib.suppress(TelpherError):
            await tell_failure(self._desk, update.raw)

    def _watch_places(self, measures: Measures) -> None:
        spool = self._state_dir / "spool"
        measures.gauge("telpher_spool_bytes", "What lies in the spool.", lambda: bytes_below(spool))
        measures.gauge(
            "telpher_disk_free_bytes", "Room on the disk of DATA_DIR.", lambda: shutil.disk_usage(self._state_dir).free
        )
        measures.gauge("telpher_ready", "1 while Telegram answers.", lambda: all(self._checks().values()))

    def _checks(self) -> Mapping[str, bool]:
        is_connected = self._poller is None or self._poller.is_connected
        return {"started": self._is_started, "telegram": self._is_started and is_connected}


def _lanes(settings: Settings) -> list[Lane]:
    """The queue's own lanes, with the operator's limits on transfers."""
    limits: dict[str, Any] = {
        "transfer": {"total": settings.transfers_total, "per_person": settings.transfers_per_person}
    }
    return [*(dataclasses.replace(lane, **limits.get(lane.name, {})) for lane in DEFAULT_LANES), LOGIN_LANE]


async def _patiently(what: str, call: Callable[[], Any]) -> None:
    """Await `call()` until Telegram answers it. Raises SettingsInvalidError when the token is not one."""
    wait_s = 0.5
    trouble = ""
    while True:
        try:
            await call()
        except InvalidToken:
            raise SettingsInvalidError(
                "TELEGRAM_TOKEN is not known to Telegram: take the current one from @BotFather"
            ) from None
        except (TelegramError, TelpherError) as error:
            if (told := describe(error)) != trouble:
                _log.warning("%s waits. %s; trying again, at most every %.0f s", what, told, _LONGEST_WAIT_S)
            trouble = told
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        else:
            return


def _lock(path: Path) -> Callable[[], None]:
    """Make this the only Telpher on this state; returns what lets it go. The kernel does so when the process ends, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be written: {error.strerror or error}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SettingsInvalidError(
            f"another Telpher is running on {path.parent}: stop it, or set another DATA_DIR"
        ) from None
    return file.close
