"""The composition root: builds everything from the settings, starts it in order, stops it in the reverse order within two seconds.

Alone here concrete drives, queues, kernels and Telegram's parts are named. What is heavy and not always needed is imported where it
is needed, so that an idle bot stays small.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, ContextTypes, ExtBot

from telpher import doctor, notify
from telpher.access import Access, EntryRefs
from telpher.actions import alerts, connect_google, get_back, run_module, save_file, send_zip, settle_share, show_run
from telpher.actions.alerts import Alerts
from telpher.actions.bot_limits import LOCAL_LIMITS, PUBLIC_LIMITS
from telpher.actions.browse import Browse
from telpher.actions.cards import Cards
from telpher.actions.computations import Computations
from telpher.actions.destination import Destinations
from telpher.actions.entry_card import EntryCard
from telpher.actions.errands import Errands
from telpher.actions.find import Find
from telpher.actions.folder_paths import FolderPaths
from telpher.actions.follow_jobs import FollowJobs
from telpher.actions.get_back import GetBack
from telpher.actions.guests import GuestDrives
from telpher.actions.hold_files import HoldFiles
from telpher.actions.make_folder import MakeFolder
from telpher.actions.measures import Measures, bytes_below
from telpher.actions.move import Move
from telpher.actions.offer_inline import OfferInline
from telpher.actions.paging import Pager
from telpher.actions.personal import Personal
from telpher.actions.personal_drives import FOLDER, GOOGLE, House, PersonalDrives
from telpher.actions.rename import Rename
from telpher.actions.resume_accounts import ResumeAccounts
from telpher.actions.run_module import RunModule
from telpher.actions.save_file import SaveFile
from telpher.actions.select import Select, Selections
from telpher.actions.send_zip import SendZip
from telpher.actions.sent_files import SentFiles
from telpher.actions.set_up_run import SetUpRun
from telpher.actions.settle_share import SettleShare
from telpher.actions.share import Share
from telpher.actions.share_book import ShareBook
from telpher.actions.shares import ListShares
from telpher.actions.shelves import Shelves
from telpher.actions.show_run import ShowRun
from telpher.actions.tell_figures import TellFigures
from telpher.actions.trail import Trails
from telpher.actions.trash import Trash
from telpher.actions.twins import FindTwin, KeepOld
from telpher.actions.undo import Undo, UndoLog
from telpher.actions.unshare import Unshare
from telpher.admission import Admission, build_admission
from telpher.bot.browser import Browser
from telpher.bot.commands import register_commands
from telpher.bot.compute_views import Conversation
from telpher.bot.courier import TelegramCourier
from telpher.bot.desk import Desk
from telpher.bot.dispatch import Dispatcher, HandlerApplication
from telpher.bot.handlers import register, tell_failure
from telpher.bot.intake import Intake, Received
from telpher.bot.kinds import kind_of
from telpher.bot.operation import Operation, OwnersChats
from telpher.bot.outbox import TelegramOutbox
from telpher.bot.polling import ALLOWED_UPDATES, Poller, describe
from telpher.bot.ports import BotIdentity
from telpher.bot.prompts import Prompts
from telpher.bot.receipt_book import ReceiptBook
from telpher.bot.receipts import Receipts
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.bot.telegram_source import TelegramSources
from telpher.bot.texts import Texts
from telpher.compute.modules import registry
from telpher.compute.workshop import Workshop
from telpher.drive_opener import DriveOpener, has_house_drive, house_vault_of, open_vault, opened_drive
from telpher.drives.observed import observed
from telpher.errors import SettingsInvalidError, StoreError, TelpherError
from telpher.jobs.embedded import DEFAULT_LANES, EmbeddedQueue
from telpher.jobs.port import Queue
from telpher.jobs.turns import Lane
from telpher.linking import LOGIN_LANE, build_linking
from telpher.metrics import render
from telpher.profiling import OneRun, Profiles
from telpher.settings import DriveKind, Settings
from telpher.store import Store, open_store
from telpher.tasks import Nursery
from telpher.transfers.carrier import Carrier
from telpher.transfers.content_index import ContentIndex
from telpher.web import LoginEndpoint, Webhook, WebhookEndpoint, WebServer

_log = logging.getLogger(__name__)

T = TypeVar("T")

__all__ = ["App", "opened_drive", "secrets_of"]

_GRACE_S = 0.5
_LONGEST_WAIT_S = 30.0


def secrets_of(settings: Settings) -> list[str]:
    """What no log line may show."""
    return [settings.telegram_token, settings.webhook_secret]


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
        store = await asyncio.to_thread(open_store, self._state_dir / "telpher.db")
        self._store = store
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
        self._dispatcher = dispatcher
        measures.gauge("telpher_updates_waiting", "Updates that wait or are being handled.", lambda: dispatcher.backlog)
        webhook = self._webhook()
        await self._listen(intake, dispatcher, webhook, measures)
        drives = await self._open_drives(store, measures)
        application = self._application = await self._meet_telegram(request)
        engine = EmbeddedQueue(store, _lanes(self._settings))
        measures.gauge("telpher_jobs", "Unfinished jobs, by lane.", engine.lengths, ("lane", "state"))
        admission = await build_admission(self._settings, store=store, engine=engine, intake=intake)
        desk = self._desk = await self._furnish(application, admission, request, drives, measures)
        register(application, desk)
        self._stack.push_async_callback(dispatcher.stop, _GRACE_S)
        if left := await dispatcher.start():
            _log.info("%d updates of an earlier run are handled first", left)
        await self._receive(nursery, request, intake, dispatcher, webhook)
        nursery.spawn(_patiently("the command list", lambda: register_commands(desk.outbox)), name="commands")
        nursery.spawn(notify.keep_watchdog_fed(), name="watchdog")
        nursery.spawn(measures.run(), name="measures")
        nursery.spawn(admission.housekeeping(intake).run(), name="housekeeping")
        watching = self._alerts = self._watch_for_owners(store, desk)
        nursery.spawn(watching.run(), name="alerts")
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

    async def _furnish(
        self,
        application: HandlerApplication,
        admission: Admission,
        request: AiohttpRequest,
        drives: PersonalDrives,
        measures: Measures,
    ) -> Desk:
        """Everything between Telegram and the drives."""
        settings, store = self._settings, admission.store
        bot: ExtBot[None] = application.bot
        identity = BotIdentity(bot.id, bot.username, bot.first_name)
        limits = LOCAL_LIMITS if settings.telegram_local else PUBLIC_LIMITS
        outbox = TelegramOutbox(request, self._address)
        access, queue = admission.access, admission.queue
        their_drives = GuestDrives(drives, access)
        queue.subscribe(measures.job_changed)
        carrier = Carrier(
            store,
            spool_dir=self._state_dir / "spool",
            spool_limit_bytes=settings.spool_limit,
            headroom_bytes=settings.disk_headroom,
            find_drive=their_drives.of,
        )
        self._stack.push_async_callback(carrier.close)
        await carrier.start()
        cards = Cards(access, EntryRefs(store), their_drives)
        entry_card = EntryCard(cards)
        pager, personal, trails, errands = Pager(store), Personal(store), Trails(), Errands(store)
        destinations = Destinations(
            access=access, cards=cards, personal=personal, trails=trails, paths=FolderPaths(store), store=store
        )
        sent_files, selections = SentFiles(store, identity.id), Selections(store)
        saving = SaveFile(
            access=access,
            drives=their_drives,
            queue=queue,
            carrier=carrier,
            open_source=TelegramSources(request, self._address, is_local=settings.telegram_local),
            limits=limits,
            folder_for=destinations.folder_for,
            sent=sent_files,
            find_twin=FindTwin(ContentIndex(store)),
        )
        browse = Browse(cards, pager, personal, trails)
        sending, zipping = self._sending(cards, queue, request, sent_files, selections)
        computing, set_up_run = await self._computing(access, queue, request, store, sent_files)
        modules_page = f"{settings.docs_url}/add-a-module.md" if settings.docs_url else ""
        conversation = Conversation(computing.offered(), modules_page)
        undo_log = UndoLog(store)
        trash = Trash(cards, undo_log)
        share_book = ShareBook(store)
        settling = SettleShare(book=share_book, drives=drives, queue=queue)
        browser = Browser(
            find=Find(cards, pager, store),
            shelves=Shelves(cards, pager),
            errands=errands,
            move=Move(cards, errands, trails, undo_log),
            make_folder=MakeFolder(cards),
            destinations=destinations,
            hold_files=HoldFiles(access=access, drives=drives, errands=errands, save_file=saving, store=store),
        )
        receipts = Receipts(
            book=ReceiptBook(store),
            queue=queue,
            outbox=outbox,
            cards=cards,
            entry_card=entry_card,
            texts_for=lambda person_id: Texts.for_language(access.language_of(person_id)),
            show_computation=conversation.show,
        )
        linking = build_linking(
            settings,
            store=store,
            access=access,
            drives=drives,
            queue=queue,
            outbox=outbox,
            web_port=lambda: self.web_port,
            end_shares=settling.end_before_leaving,
        )
        self._login.finish = linking.finish_from_web
        self._stack.push_async_callback(linking.alarm.stop)
        linking.alarm.start()
        follow_jobs = FollowJobs(
            access,
            queue,
            {save_file.KIND: saving.forget, connect_google.KIND: linking.connect_google.forget},
            {get_back.KIND: sending.send_whatever_arrived, send_zip.KIND: zipping.send_whatever_arrived},
        )
        prompts = Prompts(store)
        people = admission.people(
            cards=cards, follow_jobs=follow_jobs, carrier=carrier, my_drives=linking.my_drives, prompts=prompts
        )
        queue.register(save_file.KIND, saving.work, saving.forget)
        queue.register(get_back.KIND, sending.work)
        queue.register(send_zip.KIND, zipping.work)
        queue.register(settle_share.KIND, settling.work)
        self._stack.push_async_callback(receipts.stop)
        await receipts.start()
        self._stack.push_async_callback(queue.stop, _GRACE_S)
        await queue.start()
        await settling.start()
        await people.finish_removals()
        # Whoever starts us may have logged in again meanwhile; if not, the next attempt pauses the account anew.
        await queue.resume_account(settings.drive.value)
        return Desk(
            identity=identity,
            access=access,
            outbox=outbox,
            receipts=receipts,
            prompts=prompts,
            save_file=saving,
            browse=browse,
            browser=browser,
            entry_card=entry_card,
            get_back=sending,
            rename=Rename(cards, undo_log),
            select=Select(cards, browse, selections),
            send_zip=zipping,
            offer_inline=OfferInline(cards, sent_files),
            trash=trash,
            keep_old=KeepOld(cards, trash),
            share=Share(cards=cards, book=share_book, settle=settling, log=undo_log),
            list_shares=ListShares(cards=cards, book=share_book),
            unshare=Unshare(cards=cards, book=share_book, settle=settling),
            undo=Undo(cards, undo_log, settling.take_back),
            follow_jobs=follow_jobs,
            connect_google=linking.connect_google,
            my_drives=linking.my_drives,
            run_module=computing,
            set_up_run=set_up_run,
            conversation=conversation,
            people=people,
            flood=admission.flood,
            operation=self._operation(access, store, admission.engine, outbox, measures),
        )

    def _sending(
        self, cards: Cards, queue: Queue, request: AiohttpRequest, sent_files: SentFiles, selections: Selections
    ) -> tuple[GetBack, SendZip]:
        """What brings files into a chat."""
        limits = LOCAL_LIMITS if self._settings.telegram_local else PUBLIC_LIMITS
        courier = TelegramCourier(request, self._address, limit_bytes=limits.send_bytes)
        scratch_dir = self._state_dir / "spool"
        get_back_ = GetBack(
            cards=cards, sent=sent_files, queue=queue, courier=courier, limits=limits, scratch_dir=scratch_dir
        )
        zipping = SendZip(
            cards=cards,
            selections=selections,
            sent=sent_files,
            queue=queue,
            courier=courier,
            limits=limits,
            scratch_dir=scratch_dir,
        )
        return get_back_, zipping

    async def _computing(
        self, access: Access, queue: Queue, request: AiohttpRequest, store: Store, sent_files: SentFiles
    ) -> tuple[RunModule, SetUpRun]:
        """The workshop as people have it."""
        workshop = Workshop(workers=self._settings.compute_workers)
        self._stack.push_async_callback(workshop.close)
        modules, computations = registry(), Computations(store)
        limits = LOCAL_LIMITS if self._settings.telegram_local else PUBLIC_LIMITS
        showing = ShowRun(
            access=access,
            queue=queue,
            computations=computations,
            sent=sent_files,
            courier=TelegramCourier(request, self._address, limit_bytes=limits.send_bytes),
            modules=modules,
            strategies=workshop.strategies,
            answers_dir=self._state_dir / "answers",
            language_of=lambda person_id: Texts.for_language(access.language_of(person_id)).language,
        )
        await showing.prune()
        computing = RunModule(
            access=access,
            queue=queue,
            workshop=workshop,
            modules=modules,
            computations=computations,
            show_run=showing,
        )
        queue.register(run_module.KIND, computing.work)
        queue.register(show_run.KIND, showing.work)
        return computing, SetUpRun(
            access=access,
            store=store,
            run_module=computing,
            computations=computations,
            modules=modules,
            strategies=workshop.strategies,
        )

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

    def _operation(
        self, access: Access, store: Store, queue: EmbeddedQueue, outbox: TelegramOutbox, measures: Measures
    ) -> Operation:
        """What owners see of Telpher itself."""
        dispatcher = self._dispatcher
        assert dispatcher is not None
        figures = TellFigures(
            access=access,
            measures=measures,
            lengths=queue.lengths,
            backlog=lambda: dispatcher.backlog,
            state_dir=self._state_dir,
            clock=time.time,
        )
        return Operation(
            tell_figures=figures,
            resume_accounts=ResumeAccounts(access, store, queue),
            examine=lambda: doctor.examine(self._settings, self._state_dir),
            one_run=self._one_run,
            outbox=outbox,
        )

    def _watch_for_owners(self, store: Store, desk: Desk) -> Alerts:
        settings = self._settings
        checks = [
            alerts.disk_check(self._state_dir, settings.disk_headroom),
            alerts.account_check(store),
            alerts.queue_check(store),
            *([alerts.certificate_check(settings.webhook_url)] if settings.webhook_url.startswith("https:") else []),
        ]
        return Alerts(store, checks, OwnersChats(settings.owner_ids, desk.access, desk.operation.outbox).tell)

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
