"""The few errors of Telpher; each knows its fate and the key of the text that a person reads.

An error is translated into one of these once, at the border where it enters (a drive, Telegram, the operating system); everything
above asks only two questions: what happens next (`fate`), and what do we say (`text_key` with `params`, looked up by `bot/texts`).
"""

from __future__ import annotations

import enum
from typing import ClassVar


class Fate(enum.Enum):
    """What happens after an error."""

    RETRY = "retry"
    """Try again by ourselves, after a growing, jittered wait."""
    RETRY_AFTER = "retry_after"
    """Try again by ourselves, not before `retry_after_s`: the other side said so."""
    NEEDS_USER = "needs_user"
    """Wait, keeping all that was done, until the person acts (logs in again, makes room)."""
    PERMANENT = "permanent"
    """Trying again changes nothing: say why, keep nothing running."""


class TelpherError(Exception):
    """The root of all errors that Telpher raises on purpose.

    `params` fill the placeholders of the text; they are shown to the person, so they never hold a secret.
    """

    fate: ClassVar[Fate] = Fate.PERMANENT
    text_key: ClassVar[str] = "error.unexpected"

    def __init__(self, detail: str = "", *, retry_after_s: float | None = None, **params: str | float) -> None:
        super().__init__(detail or self.text_key)
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.params = params


class SettingsInvalidError(TelpherError):
    """A setting is missing or wrong. The command line prints it as one line and exits with 2."""

    text_key = "error.settings"


class AccessDeniedError(TelpherError):
    """This person may not do this."""

    text_key = "error.access_denied"


class BadInputError(TelpherError):
    """What the person sent cannot be used as it is."""

    text_key = "error.bad_input"


class LimitReachedError(TelpherError):
    """The root of what a person's own limits refuse."""

    text_key = "error.limit_reached"


class QueueFullError(LimitReachedError):
    """So many jobs of this person wait or run. Params: `limit`."""

    text_key = "error.queue_full"


class DayFullError(LimitReachedError):
    """The file is beyond what this person may bring in a day. Params: `limit_bytes`, `used_bytes`, `left_s`."""

    text_key = "error.day_full"


class CpuSpentError(LimitReachedError):
    """This person's computing time of the day is used up. Params: `limit_s`, `left_s`."""

    text_key = "error.cpu_spent"


class NameInvalidError(BadInputError):
    """A name that no drive could keep even after it was made safe."""

    text_key = "error.name_invalid"


class StaleButtonError(BadInputError):
    """A button whose entry, transfer or page is no longer known."""

    text_key = "error.stale_button"


class FileTooBigError(BadInputError):
    """The file is over what this Bot API server lets a bot fetch or send. Params: `limit_bytes`, `size_bytes`."""

    text_key = "error.file_too_big"


class SourceGoneError(TelpherError):
    """Telegram no longer has the file: the person has to send it again."""

    text_key = "error.source_gone"


class SourceUnreachableError(TelpherError):
    """Telegram (or another source) did not answer, or broke off."""

    fate = Fate.RETRY
    text_key = "error.source_unreachable"


class SourceBusyError(TelpherError):
    """The source asked us to slow down (`retry_after_s`)."""

    fate = Fate.RETRY_AFTER
    text_key = "error.source_busy"


class ChatUnreachableError(TelpherError):
    """The person has blocked the bot or deleted the chat: nothing can be said there."""

    text_key = "error.chat_unreachable"


class DeliveryUnknownError(TelpherError):
    """The connection broke when all was sent: it may have arrived or not. It is not sent again by itself, so as not to double it."""

    text_key = "error.delivery_unknown"


class DiskFullError(TelpherError):
    """This machine has no room for the spool. Params: `needed_bytes`, `free_bytes`."""

    fate = Fate.RETRY
    text_key = "error.disk_full"


class StoreError(TelpherError):
    """What is kept on this machine, first of all the database, cannot be opened or written: locked, read-only, out of descriptors."""

    fate = Fate.RETRY
    text_key = "error.store"


class DriveError(TelpherError):
    """The root of what a drive may answer."""

    text_key = "error.drive"


class EntryNotFoundError(DriveError):
    """The drive has no such entry, or does not show it to this account."""

    text_key = "error.entry_not_found"


class EntryExistsError(DriveError):
    """An entry with this id exists already: an earlier create has landed after all."""

    text_key = "error.entry_exists"


class DriveUnreachableError(DriveError):
    """The drive did not answer, broke off, or answered that it is in trouble (5xx)."""

    fate = Fate.RETRY
    text_key = "error.drive_unreachable"


class DriveBusyError(DriveError):
    """The drive asked us to slow down; `retry_after_s` when it said for how long."""

    fate = Fate.RETRY_AFTER
    text_key = "error.drive_busy"


class DriveFullError(DriveError):
    """The account's storage quota is used up."""

    fate = Fate.NEEDS_USER
    text_key = "error.drive_full"


class FolderFullError(DriveFullError):
    """The disk that a folder drive lies on is full: whoever looks after the machine makes room, and all goes on by itself."""

    fate = Fate.RETRY
    text_key = "error.folder_full"


class LoginRequiredError(DriveError):
    """The account's grant has ended or was revoked (`invalid_grant`): the person logs in again."""

    fate = Fate.NEEDS_USER
    text_key = "error.login_required"


class LoginTestingEndedError(LoginRequiredError):
    """As above, seven days after the log-in: Google ends those of an app that its operator has not published."""

    text_key = "error.login_testing_ended"


class NoDriveError(LoginRequiredError):
    """This person has no drive here yet: they connect one."""

    text_key = "error.no_drive"


class DriveDisconnectedError(DriveError):
    """The person has disconnected the drive that this was meant for."""

    text_key = "error.drive_disconnected"


class LoginFailedError(DriveError):
    """A log-in did not end with a grant, for a reason that none of the following names."""

    text_key = "error.login_failed"


class LoginDeniedError(LoginFailedError):
    """The person said no on the drive's page."""

    text_key = "error.login_denied"


class LoginExpiredError(LoginFailedError):
    """The person did not answer in time."""

    text_key = "error.login_expired"


class LoginClientError(LoginFailedError):
    """The operator's own OAuth client does not fit: of another type, deleted, or its file is damaged."""

    text_key = "error.login_client"


class LoginClientMissingError(LoginFailedError):
    """The operator has not given Telpher an OAuth client, so nobody can log in from the chat."""

    text_key = "error.login_no_client"


class LoginApiDisabledError(LoginFailedError):
    """The operator's project has not enabled the Drive API."""

    text_key = "error.login_api_disabled"


class LoginTokenMissingError(LoginFailedError):
    """Google gave no refresh token: it believes that we have one already."""

    text_key = "error.login_no_refresh"


class LoginScopeError(LoginFailedError):
    """The person logged in, but took the tick off the access to the drive."""

    text_key = "error.login_scope"


class LoginAccountError(LoginFailedError):
    """A log-in that was to renew one account came from another. Params: `wanted`, `got`."""

    text_key = "error.login_account"


class LoginLinkError(LoginFailedError):
    """The address of a log-in that is not under way: used once already, replaced by a later one, or another person's."""

    text_key = "error.login_link"


class DriveForbiddenError(DriveError):
    """The account may not do this to this entry."""

    text_key = "error.drive_forbidden"


class ContentChangedError(DriveError):
    """A file was changed, or came damaged, while it was being read."""

    fate = Fate.RETRY
    text_key = "error.content_changed"


class GranteeInvalidError(DriveError):
    """The drive knows nobody under this address, or may not share with them."""

    text_key = "error.grantee_invalid"


class ExportTooBigError(DriveError):
    """The drive does not convert documents of this size."""

    text_key = "error.export_too_big"


class SessionGoneError(DriveError):
    """The upload session has expired or was cancelled: begin a new one with the same entry id."""

    fate = Fate.RETRY
    text_key = "error.session_gone"


class ChecksumMismatchError(DriveError):
    """What the drive stored is not what we sent. The bad entry is removed and the upload starts again."""

    fate = Fate.RETRY
    text_key = "error.checksum_mismatch"


class ModuleUnknownError(BadInputError):
    """There is no compute module or strategy of this name. Params: `name`, `known`."""

    text_key = "error.module_unknown"


class ParameterInvalidError(BadInputError):
    """A module's parameter is unknown, out of its bounds, or asks for what this machine lacks. Params: `name`, `allowed`."""

    text_key = "error.parameter_invalid"


class StrategyUnavailableError(TelpherError):
    """A module cannot be run this way here. Params: `name`, `reason`."""

    text_key = "error.strategy_unavailable"


class MemoryShortError(TelpherError):
    """A computation needs more memory than this machine has free. Params: `needed_bytes`, `free_bytes`."""

    text_key = "error.memory_short"


class ComputationFailedError(TelpherError):
    """A kernel gave up, or the process that ran it died. Params: `reason`."""

    text_key = "error.computation_failed"


class CancelledByUserError(TelpherError):
    """The person pressed Cancel."""

    text_key = "error.cancelled"


class ArchiveError(TelpherError):
    """A backup could not be made or put back; the command line prints why."""
