"""Google's answers turned into ours, once: by status and by reason.

https://developers.google.com/workspace/drive/api/guides/handle-errors
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
from collections.abc import Mapping

from telpher.errors import (
    DriveBusyError,
    DriveError,
    DriveForbiddenError,
    DriveFullError,
    DriveUnreachableError,
    EntryExistsError,
    EntryNotFoundError,
    ExportTooBigError,
    GranteeInvalidError,
    LoginApiDisabledError,
    LoginRequiredError,
)

_BUSY = {
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "sharingRateLimitExceeded",
    "dailyLimitExceeded",
    "quotaExceeded",
}
_FULL = {
    "storageQuotaExceeded",
    "activeItemCreationLimitExceeded",
    "teamDriveFileLimitExceeded",
    "numChildrenInNonRootLimitExceeded",
}
# The grant does not reach so far: only a new login helps.
_LOGIN = {"authError", "insufficientPermissions", "insufficientScopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}

# The operator's project: https://cloud.google.com/service-usage/docs/reference/rest says SERVICE_DISABLED, Drive itself the other.
_DISABLED = {"accessNotConfigured", "SERVICE_DISABLED"}
_NO_GRANTEE = {"invalidSharingRequest", "cannotInviteNonGoogleUser", "publishOutNotPermitted"}


class BadRequestError(DriveError):
    """400: Google did not understand what we asked, or no longer knows a page of a listing."""


class RangeNotSatisfiableError(DriveError):
    """416: the file ends before the offset."""


_BY_STATUS: dict[int, type[DriveError]] = {
    400: BadRequestError,
    401: LoginRequiredError,
    403: DriveForbiddenError,
    404: EntryNotFoundError,
    408: DriveUnreachableError,
    409: EntryExistsError,
    410: EntryNotFoundError,
    416: RangeNotSatisfiableError,
    429: DriveBusyError,
}
_BY_REASON: tuple[tuple[set[str], type[DriveError]], ...] = (
    (_BUSY, DriveBusyError),
    (_FULL, DriveFullError),
    (_LOGIN, LoginRequiredError),
    (_DISABLED, LoginApiDisabledError),
    (_NO_GRANTEE, GranteeInvalidError),
    ({"exportSizeLimitExceeded"}, ExportTooBigError),
)


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> DriveError:
    """Our error for an answer that is none of 2xx and 308."""
    reasons, message = _reasons(body)
    detail = f"{status} {message or ', '.join(sorted(reasons))}".strip()
    retry_after_s = retry_after(headers)
    kind = _BY_STATUS.get(status, DriveUnreachableError if status >= 500 else DriveError)
    if status == 403:
        for its_reasons, its_kind in _BY_REASON:
            if reasons & its_reasons:
                kind = its_kind
    elif reasons & _NO_GRANTEE:
        kind = GranteeInvalidError
    elif status >= 500 and retry_after_s is not None:
        kind = DriveBusyError
    return kind(detail, retry_after_s=retry_after_s)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the answer asks us to wait, said as a number or as a date (RFC 9110, section 10.2.3)."""
    said = headers.get("Retry-After", "").strip()
    if not said:
        return None
    if said.isdigit():
        return float(said)
    try:
        until = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())


def _reasons(body: bytes) -> tuple[set[str], str]:
    """All reasons of an error's JSON, and its message; nothing for what is no JSON (a proxy's page)."""
    try:
        error = json.loads(body)["error"]
        if not isinstance(error, dict):
            return {str(error)}, ""
        listed = [*error.get("errors", ()), *error.get("details", ())]
        reasons = {str(item["reason"]) for item in listed if isinstance(item, dict) and item.get("reason")}
        return reasons, str(error.get("message", ""))
    except (ValueError, KeyError, TypeError):
        return set(), ""
