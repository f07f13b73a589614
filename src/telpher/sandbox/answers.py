"""Error bodies in the shapes that Google and Telegram give them, for handlers and for faults alike."""

from __future__ import annotations

from typing import Any

GOOGLE_REASONS = {
    400: "badRequest",
    401: "authError",
    403: "userRateLimitExceeded",
    404: "notFound",
    409: "fileIdInUse",
    410: "gone",
    429: "rateLimitExceeded",
    500: "internalError",
    502: "backendError",
    503: "backendError",
    504: "backendError",
}
GOOGLE_MESSAGES = {
    "badRequest": "Bad Request",
    "authError": "Invalid Credentials",
    "userRateLimitExceeded": "User Rate Limit Exceeded. Rate of requests for user exceed configured project quota, "
    "you may consider re-evaluating expected per-user traffic to the API and adjust project quota limits accordingly.",
    "rateLimitExceeded": "Rate Limit Exceeded",
    "dailyLimitExceeded": "Daily Limit Exceeded",
    "sharingRateLimitExceeded": 'Rate limit exceeded. User message: "Sorry, you\'ve shared too much."',
    "storageQuotaExceeded": "The user's Drive storage quota has been exceeded.",
    "notFound": "File not found.",
    "gone": "Gone",
    "internalError": "Internal Error",
    "backendError": "Backend Error",
}
_USAGE_REASONS = frozenset(
    {"userRateLimitExceeded", "rateLimitExceeded", "dailyLimitExceeded", "sharingRateLimitExceeded", "quotaExceeded"}
)
_GOOGLE_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
_OAUTH_ERRORS = {400: "invalid_grant", 401: "invalid_client", 403: "access_denied", 429: "slow_down"}
_TELEGRAM_DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    413: "Request Entity Too Large",
    420: "Flood",
    500: "Internal Server Error",
    502: "Bad Gateway",
    504: "Gateway Timeout",
}


def google_error(
    status: int,
    reason: str | None = None,
    message: str | None = None,
    *,
    location: str | None = None,
    location_type: str = "parameter",
) -> dict[str, Any]:
    """Drive's error body; see https://developers.google.com/workspace/drive/api/guides/handle-errors."""
    reason = reason or GOOGLE_REASONS.get(status, "backendError" if status >= 500 else "badRequest")
    message = message or GOOGLE_MESSAGES.get(reason, reason)
    item = {"message": message, "domain": "usageLimits" if reason in _USAGE_REASONS else "global", "reason": reason}
    if location is not None:
        item |= {"location": location, "locationType": location_type}
    error: dict[str, Any] = {"code": status, "message": message, "errors": [item]}
    if status in _GOOGLE_STATUSES:
        error["status"] = _GOOGLE_STATUSES[status]
    return {"error": error}


def oauth_error(status: int, error: str | None = None, description: str | None = None) -> dict[str, Any]:
    """The error body of Google's token endpoints (RFC 6749, section 5.2)."""
    body = {"error": error or _OAUTH_ERRORS.get(status, "internal_failure" if status >= 500 else "invalid_request")}
    if description is not None:
        body["error_description"] = description
    return body


def telegram_error(status: int, description: str | None = None, *, retry_after_s: int | None = None) -> dict[str, Any]:
    """The Bot API's error body; a 429 tells in `parameters` for how long to wait."""
    if status == 429 and retry_after_s is None:
        retry_after_s = 1
    if description is None:
        description = f"Too Many Requests: retry after {retry_after_s}" if status == 429 else None
    body: dict[str, Any] = {
        "ok": False,
        "error_code": status,
        "description": description or _TELEGRAM_DESCRIPTIONS.get(status, "Internal Server Error"),
    }
    if retry_after_s is not None:
        body["parameters"] = {"retry_after": retry_after_s}
    return body
