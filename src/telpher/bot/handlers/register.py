"""Which handler answers what."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from telegram import Update
from telegram.ext import (
    Application,
    BaseHandler,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    InlineQueryHandler,
    MessageHandler,
    filters,
)

from telpher.bot import (
    browse_callbacks,
    callbacks,
    compute_callbacks,
    people_callbacks,
    receipt_callbacks,
    select_callbacks,
)
from telpher.bot.commands import COMMANDS
from telpher.bot.desk import Desk
from telpher.bot.handlers import (
    accounts,
    browsing,
    compute,
    errors,
    files,
    folders,
    gate,
    groups,
    incoming,
    inline,
    jobs,
    messages,
    operating,
    people,
    sharing,
    where,
    workshop,
    zipping,
)
from telpher.bot.handlers.asked import Asked
from telpher.errors import DiskFullError, StaleButtonError, StoreError, TelpherError

Answer = Callable[[Asked], Awaitable[None]]
AnswerPress = Callable[[Asked, Any], Awaitable[None]]
PtbCallback = Callable[[Update, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, None]]

_COMMANDS: dict[str, Answer] = {
    "start": messages.start,
    "help": messages.help_,
    "hello": messages.hello,
    "whoami": messages.whoami,
    "files": files.files,
    "find": browsing.find,
    "where": where.where,
    "jobs": jobs.jobs,
    "shares": sharing.shares,
    "undo": files.recent_deeds,
    "compute": workshop.command,
    "own_module": workshop.own_module,
    "connect": accounts.connect,
    "accounts": accounts.accounts,
    "cancel": messages.cancel,
    "me": people.me,
    "invite": people.invite,
    "people": people.people,
    "stats": operating.stats,
    "doctor": operating.doctor,
    "profile": operating.profile,
}

_PRESSES: dict[type[callbacks.Callback], AnswerPress] = {
    callbacks.OpenFolder: files.open_folder,
    callbacks.OpenRoot: files.open_root,
    callbacks.ShowEntry: files.show_entry,
    callbacks.DoToEntry: files.do_to_entry,
    callbacks.ExportEntry: files.export_entry,
    callbacks.UndoDeed: files.undo,
    select_callbacks.BeginSelection: zipping.begin,
    select_callbacks.ShowSelection: zipping.show,
    select_callbacks.TickOn: zipping.tick,
    select_callbacks.TickOff: zipping.tick,
    select_callbacks.ZipTicked: zipping.zip_ticked,
    callbacks.ShareWith: sharing.share_with,
    callbacks.ChooseRole: sharing.choose_role,
    callbacks.ChooseSpan: sharing.choose_span,
    callbacks.ConfirmShare: sharing.confirm,
    callbacks.DoShare: sharing.do,
    callbacks.RevokeShare: sharing.revoke,
    callbacks.ListShares: sharing.list_shares,
    callbacks.RevokeListed: sharing.revoke_listed,
    callbacks.RevokeAll: sharing.ask_revoke_all,
    callbacks.RevokeAllSurely: sharing.revoke_all,
    browse_callbacks.SortFolder: browsing.sort_folder,
    browse_callbacks.FolderMenu: browsing.folder_menu,
    browse_callbacks.ShowShelf: browsing.show_shelf,
    browse_callbacks.ShowShelfEntry: browsing.show_shelf_entry,
    browse_callbacks.ShowFound: browsing.show_found,
    browse_callbacks.ShowFoundEntry: browsing.show_found_entry,
    browse_callbacks.SetStar: browsing.set_star,
    browse_callbacks.BeginMove: folders.begin_move,
    browse_callbacks.ChooseFolder: folders.choose_folder,
    browse_callbacks.ChooseFromTop: folders.choose_from_top,
    browse_callbacks.PickFolder: folders.pick_folder,
    browse_callbacks.PickHome: folders.pick_home,
    browse_callbacks.NewFolderFor: folders.new_folder_for,
    browse_callbacks.LeaveErrand: folders.leave,
    browse_callbacks.NewFolder: folders.new_folder,
    browse_callbacks.UploadHere: folders.upload_here,
    browse_callbacks.StopUploads: folders.stop_uploads,
    browse_callbacks.ShowWhere: where.show_where,
    browse_callbacks.ChooseWhere: where.choose,
    browse_callbacks.TakeTemplate: where.take_template,
    callbacks.ShowAlbumEntry: files.show_album_entry,
    callbacks.ShowReceipt: files.show_receipt,
    receipt_callbacks.ShowBurst: files.show_burst,
    receipt_callbacks.ShowBurstEntry: files.show_burst_entry,
    receipt_callbacks.KeepBoth: files.keep_both,
    receipt_callbacks.KeepOldOnly: files.keep_old,
    callbacks.Connect: accounts.begin,
    callbacks.OfferConnect: accounts.offer_connect,
    callbacks.StopLogin: accounts.stop,
    callbacks.ListDrives: accounts.list_drives,
    callbacks.DoToDrive: accounts.do_to_drive,
    callbacks.ListJobs: jobs.refresh,
    callbacks.DoToJob: jobs.do_to_job,
    callbacks.DoToAlbum: jobs.do_to_album,
    callbacks.RunModule: compute.run_module,
    compute_callbacks.BeginLesson: workshop.begin_lesson,
    compute_callbacks.ListModules: workshop.list_modules,
    compute_callbacks.ChooseModule: workshop.choose_module,
    compute_callbacks.ShowSetup: workshop.setting,
    compute_callbacks.ShowParameter: workshop.setting,
    compute_callbacks.SetParameter: workshop.setting,
    compute_callbacks.WriteParameter: workshop.setting,
    compute_callbacks.AskParameter: workshop.ask_parameter,
    compute_callbacks.TickStrategy: workshop.setting,
    compute_callbacks.RunLike: workshop.setting,
    compute_callbacks.RunSetup: workshop.run,
    compute_callbacks.AfterRun: workshop.after_run,
    compute_callbacks.ListRuns: workshop.looking_back,
    compute_callbacks.ShowRun: workshop.looking_back,
    compute_callbacks.ShowPicture: workshop.show_picture,
    compute_callbacks.OfferComparison: workshop.looking_back,
    compute_callbacks.CompareRuns: workshop.looking_back,
    people_callbacks.Invite: people.ask_whom,
    people_callbacks.InviteAs: people.invite_as,
    people_callbacks.WithdrawInvitation: people.withdraw,
    people_callbacks.LookForGuestFolder: people.look_for_folder,
    people_callbacks.TakeGuestFolder: people.take_folder,
    people_callbacks.ListPeople: people.list_people,
    people_callbacks.ShowPerson: people.show_person,
    people_callbacks.MakeMember: people.make_member,
    people_callbacks.AskRemoval: people.ask_removal,
    people_callbacks.RemovePerson: people.remove,
    callbacks.CheckUp: operating.check_up,
}


def presses() -> frozenset[type[callbacks.Callback]]:
    """The kinds of buttons that are answered."""
    return frozenset(_PRESSES)


def register(application: Application[Any, Any, Any, Any, Any, Any], desk: Desk) -> None:
    """Put all handlers into `application`. What a handler raises beyond our own errors reaches the application's caller."""
    for handler in build_handlers(desk):
        application.add_handler(handler)


def build_handlers(desk: Desk) -> list[BaseHandler[Update, ContextTypes.DEFAULT_TYPE, None]]:
    """In the order in which they are asked."""
    aliases = {command.name: command.aliases for command in COMMANDS}
    handlers: list[BaseHandler[Update, ContextTypes.DEFAULT_TYPE, None]] = [
        CommandHandler([name, *aliases.get(name, ())], _serve(desk, answer), filters=filters.UpdateType.MESSAGE)
        for name, answer in _COMMANDS.items()
    ]
    return [
        *handlers,
        MessageHandler(filters.UpdateType.MESSAGE & filters.COMMAND, _serve(desk, messages.unknown_command)),
        MessageHandler(filters.UpdateType.MESSAGE & incoming.CARRIES_FILE, _serve(desk, incoming.file)),
        MessageHandler(filters.UpdateType.MESSAGE & ~filters.StatusUpdate.ALL, _serve(desk, messages.anything_else)),
        CallbackQueryHandler(_serve(desk, _press)),
        InlineQueryHandler(functools.partial(inline.offer, desk)),
    ]


def _serve(desk: Desk, answer: Answer) -> PtbCallback:
    async def serve(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        asked = await gate.admit(desk, update)
        if asked is None:
            return
        try:
            await (groups.answer if asked.is_in_group else answer)(asked)
        except (StoreError, DiskFullError):
            raise  # whoever handed the update over keeps it until the database works again
        except TelpherError as error:
            await errors.tell(asked, error)

    return serve


async def _press(asked: Asked) -> None:
    data = asked.pressed.data
    if data is None:
        raise StaleButtonError("a game's button")
    callback = callbacks.decode(data)
    await _PRESSES[type(callback)](asked, callback)
    await asked.toast()
