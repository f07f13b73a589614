"""The part of the composition root that makes each room's objects and hands them to one another. It starts nothing and asks nobody."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from telpher import doctor
from telpher.access import EntryRefs
from telpher.actions import alerts, connect_google, get_back, run_module, save_file, send_zip, settle_share, show_run
from telpher.actions.alerts import Alerts
from telpher.actions.bot_limits import LOCAL_LIMITS, PUBLIC_LIMITS, BotLimits
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
from telpher.actions.measures import Measures
from telpher.actions.move import Move
from telpher.actions.offer_inline import OfferInline
from telpher.actions.paging import Pager
from telpher.actions.personal import Personal
from telpher.actions.personal_drives import PersonalDrives
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
from telpher.admission import Admission
from telpher.bot.browser import Browser
from telpher.bot.compute_views import Conversation
from telpher.bot.courier import TelegramCourier
from telpher.bot.desk import Desk
from telpher.bot.dispatch import Dispatcher
from telpher.bot.menus import Menus
from telpher.bot.operation import Operation, OwnersChats
from telpher.bot.outbox import TelegramOutbox
from telpher.bot.ports import BotIdentity
from telpher.bot.prompts import Prompts
from telpher.bot.receipt_book import ReceiptBook
from telpher.bot.receipts import Receipts
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.bot.share_notices import ShareNotices
from telpher.bot.telegram_source import TelegramSources
from telpher.bot.texts import Texts
from telpher.compute.modules import registry
from telpher.compute.workshop import Workshop
from telpher.linking import Linking, build_linking
from telpher.profiling import OneRun
from telpher.settings import Settings
from telpher.transfers.carrier import Carrier
from telpher.transfers.content_index import ContentIndex


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """What every room stands on. Two of them meet only in what is made of it."""

    settings: Settings
    state_dir: Path
    identity: BotIdentity
    address: ApiAddress
    request: AiohttpRequest
    admission: Admission
    drives: PersonalDrives
    measures: Measures
    dispatcher: Dispatcher
    one_run: OneRun
    web_port: Callable[[], int]

    @property
    def limits(self) -> BotLimits:
        """What this Bot API server lets through."""
        return LOCAL_LIMITS if self.settings.telegram_local else PUBLIC_LIMITS

    def texts_for(self, person_id: int) -> Texts:
        """Texts in the language of that person."""
        return Texts.for_language(self.admission.access.language_of(person_id))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rooms:
    """The desk, and what has a life of its own: it has to be started, and most of it stopped."""

    desk: Desk
    carrier: Carrier
    workshop: Workshop
    show_run: ShowRun
    settle_share: SettleShare
    share_notices: ShareNotices
    linking: Linking
    alerts: Alerts


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Computing:
    """The workshop as people have it."""

    workshop: Workshop
    show_run: ShowRun
    run_module: RunModule
    set_up_run: SetUpRun


def furnish(ground: Ground) -> Rooms:
    """Everything between Telegram and the drives; the queue knows all work afterwards."""
    settings, admission = ground.settings, ground.admission
    store, access, queue = admission.store, admission.access, admission.queue
    queue.subscribe(ground.measures.job_changed)
    outbox = TelegramOutbox(ground.request, ground.address)
    drives = GuestDrives(ground.drives, access)
    carrier = Carrier(
        store,
        spool_dir=ground.state_dir / "spool",
        spool_limit_bytes=settings.spool_limit,
        headroom_bytes=settings.disk_headroom,
        find_drive=drives.of,
    )
    cards = Cards(access, EntryRefs(store), drives)
    entry_card = EntryCard(cards)
    pager, personal, trails, errands = Pager(store), Personal(store), Trails(), Errands(store)
    destinations = Destinations(
        access=access, cards=cards, personal=personal, trails=trails, paths=FolderPaths(store), store=store
    )
    sent_files, selections = SentFiles(store, ground.identity.id), Selections(store)
    saving = SaveFile(
        access=access,
        drives=drives,
        queue=queue,
        carrier=carrier,
        open_source=TelegramSources(ground.request, ground.address, is_local=settings.telegram_local),
        limits=ground.limits,
        folder_for=destinations.folder_for,
        sent=sent_files,
        find_twin=FindTwin(ContentIndex(store)),
    )
    browse = Browse(cards, pager, personal, trails)
    courier = TelegramCourier(ground.request, ground.address, limit_bytes=ground.limits.send_bytes)
    getting_back, zipping = _sending(ground, cards, courier, sent_files, selections)
    computing = _computing(ground, courier, sent_files)
    conversation = Conversation(
        computing.run_module.offered(), f"{settings.docs_url}/add-a-module.md" if settings.docs_url else ""
    )
    undo_log, share_book, prompts = UndoLog(store), ShareBook(store), Prompts(store)
    trash = Trash(cards, trails, undo_log)
    share_notices = ShareNotices(
        access=access, book=share_book, drives=ground.drives, outbox=outbox, texts_for=ground.texts_for
    )
    settling = SettleShare(
        book=share_book,
        drives=ground.drives,
        drive_of_holder=ground.drives.of_holder,
        queue=queue,
        tell=share_notices,
    )
    browser = Browser(
        find=Find(cards, pager, store),
        shelves=Shelves(cards, pager),
        errands=errands,
        move=Move(cards, errands, trails, undo_log),
        make_folder=MakeFolder(cards),
        destinations=destinations,
        hold_files=HoldFiles(access=access, drives=ground.drives, errands=errands, save_file=saving, store=store),
    )
    linking = build_linking(
        settings,
        store=store,
        access=access,
        drives=ground.drives,
        queue=queue,
        outbox=outbox,
        web_port=ground.web_port,
        end_shares=settling.end_before_leaving,
        ends_waiting=settling.ending_of,
    )
    follow_jobs = FollowJobs(
        access,
        queue,
        {connect_google.KIND: linking.connect_google.forget},
        {get_back.KIND: getting_back.send_whatever_arrived, send_zip.KIND: zipping.send_whatever_arrived},
    )
    queue.register(save_file.KIND, saving.work, saving.forget)
    queue.register(get_back.KIND, getting_back.work)
    queue.register(send_zip.KIND, zipping.work)
    queue.register(settle_share.KIND, settling.work)
    queue.register(run_module.KIND, computing.run_module.work)
    queue.register(show_run.KIND, computing.show_run.work)
    desk = Desk(
        identity=ground.identity,
        access=access,
        outbox=outbox,
        receipts=Receipts(
            book=ReceiptBook(store),
            queue=queue,
            outbox=outbox,
            cards=cards,
            entry_card=entry_card,
            texts_for=ground.texts_for,
            show_computation=conversation.show,
        ),
        prompts=prompts,
        save_file=saving,
        browse=browse,
        browser=browser,
        entry_card=entry_card,
        get_back=getting_back,
        rename=Rename(cards, trails, undo_log),
        select=Select(cards, browse, selections),
        send_zip=zipping,
        offer_inline=OfferInline(cards, sent_files),
        trash=trash,
        keep_old=KeepOld(cards, trash),
        share=Share(cards=cards, book=share_book, settle=settling, log=undo_log),
        list_shares=ListShares(cards=cards, book=share_book),
        unshare=Unshare(cards=cards, book=share_book, settle=settling),
        undo=Undo(cards, trails, undo_log, settling.take_back),
        follow_jobs=follow_jobs,
        connect_google=linking.connect_google,
        my_drives=linking.my_drives,
        run_module=computing.run_module,
        set_up_run=computing.set_up_run,
        conversation=conversation,
        people=admission.people(
            cards=cards, follow_jobs=follow_jobs, carrier=carrier, my_drives=linking.my_drives, prompts=prompts
        ),
        flood=admission.flood,
        operation=_operation(ground, outbox),
        menus=Menus(access=access, outbox=outbox, store=store, bot_id=ground.identity.id),
    )
    return Rooms(
        desk=desk,
        carrier=carrier,
        workshop=computing.workshop,
        show_run=computing.show_run,
        settle_share=settling,
        share_notices=share_notices,
        linking=linking,
        alerts=_watching(ground, outbox),
    )


def _sending(
    ground: Ground, cards: Cards, courier: TelegramCourier, sent_files: SentFiles, selections: Selections
) -> tuple[GetBack, SendZip]:
    """What brings files into a chat."""
    queue, scratch_dir = ground.admission.queue, ground.state_dir / "spool"
    getting_back = GetBack(
        cards=cards, sent=sent_files, queue=queue, courier=courier, limits=ground.limits, scratch_dir=scratch_dir
    )
    zipping = SendZip(
        cards=cards,
        selections=selections,
        sent=sent_files,
        queue=queue,
        courier=courier,
        limits=ground.limits,
        scratch_dir=scratch_dir,
    )
    return getting_back, zipping


def _computing(ground: Ground, courier: TelegramCourier, sent_files: SentFiles) -> _Computing:
    admission = ground.admission
    workshop = Workshop(workers=ground.settings.compute_workers)
    modules, computations = registry(), Computations(admission.store)
    showing = ShowRun(
        access=admission.access,
        queue=admission.queue,
        computations=computations,
        sent=sent_files,
        courier=courier,
        modules=modules,
        strategies=workshop.strategies,
        answers_dir=ground.state_dir / "answers",
        language_of=lambda person_id: ground.texts_for(person_id).language,
    )
    running = RunModule(
        access=admission.access,
        queue=admission.queue,
        workshop=workshop,
        modules=modules,
        computations=computations,
        show_run=showing,
    )
    set_up_run = SetUpRun(
        access=admission.access,
        store=admission.store,
        run_module=running,
        computations=computations,
        modules=modules,
        strategies=workshop.strategies,
    )
    return _Computing(workshop=workshop, show_run=showing, run_module=running, set_up_run=set_up_run)


def _operation(ground: Ground, outbox: TelegramOutbox) -> Operation:
    """What owners see of Telpher itself."""
    admission = ground.admission
    return Operation(
        tell_figures=TellFigures(
            access=admission.access,
            measures=ground.measures,
            lengths=admission.engine.lengths,
            backlog=lambda: ground.dispatcher.backlog,
            state_dir=ground.state_dir,
            clock=time.time,
        ),
        resume_accounts=ResumeAccounts(admission.access, admission.store, admission.engine),
        examine=lambda: doctor.examine(ground.settings, ground.state_dir),
        one_run=ground.one_run,
        outbox=outbox,
    )


def _watching(ground: Ground, outbox: TelegramOutbox) -> Alerts:
    """What tells the owners when something needs them."""
    settings, store = ground.settings, ground.admission.store
    checks = [
        alerts.disk_check(ground.state_dir, settings.disk_headroom),
        alerts.account_check(store),
        alerts.queue_check(store),
        *([alerts.certificate_check(settings.webhook_url)] if settings.webhook_url.startswith("https:") else []),
    ]
    return Alerts(store, checks, OwnersChats(settings.owner_ids, ground.admission.access, outbox).tell)
