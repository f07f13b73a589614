"""What handlers are handed: every action that a person can ask for, and the services that show its results."""

from __future__ import annotations

import dataclasses

from telpher.access import Access
from telpher.access.flood import FloodGate
from telpher.actions.browse import Browse
from telpher.actions.connect_google import ConnectGoogle
from telpher.actions.entry_card import EntryCard
from telpher.actions.follow_jobs import FollowJobs
from telpher.actions.get_back import GetBack
from telpher.actions.my_drives import MyDrives
from telpher.actions.offer_inline import OfferInline
from telpher.actions.people import People
from telpher.actions.rename import Rename
from telpher.actions.run_module import RunModule
from telpher.actions.save_file import SaveFile
from telpher.actions.select import Select
from telpher.actions.send_zip import SendZip
from telpher.actions.set_up_run import SetUpRun
from telpher.actions.share import Share
from telpher.actions.shares import ListShares
from telpher.actions.trash import Trash
from telpher.actions.twins import KeepOld
from telpher.actions.undo import Undo
from telpher.actions.unshare import Unshare
from telpher.bot.browser import Browser
from telpher.bot.compute_views import Conversation
from telpher.bot.menus import Menus
from telpher.bot.operation import Operation
from telpher.bot.ports import BotIdentity, Outbox
from telpher.bot.prompts import Prompts
from telpher.bot.receipts import Receipts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desk:
    """Built by `furnish.py`; nothing here is global."""

    identity: BotIdentity
    access: Access
    outbox: Outbox
    receipts: Receipts
    prompts: Prompts
    save_file: SaveFile
    browse: Browse
    browser: Browser
    entry_card: EntryCard
    get_back: GetBack
    rename: Rename
    select: Select
    send_zip: SendZip
    offer_inline: OfferInline
    trash: Trash
    keep_old: KeepOld
    share: Share
    list_shares: ListShares
    unshare: Unshare
    undo: Undo
    follow_jobs: FollowJobs
    connect_google: ConnectGoogle
    my_drives: MyDrives
    run_module: RunModule
    set_up_run: SetUpRun
    conversation: Conversation
    operation: Operation
    people: People
    flood: FloodGate
    menus: Menus
