"""Errors that a handler raises and the middleware answers in Google's two shapes: Drive's and OAuth's."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from telpher.sandbox.answers import google_error, oauth_error


class GoogleError(Exception):
    """An error answer; `body` is its JSON."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}

    def as_response(self) -> web.Response:
        """The answer as the client sees it."""
        return web.json_response(self.body, status=self.status, headers=self.headers)


class DriveError(GoogleError):
    """An error of Drive, told apart by its reason."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str | None = None,
        *,
        location: str | None = None,
        at: str = "parameter",
    ) -> None:
        headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'}
        super().__init__(
            status,
            google_error(status, reason, message, location=location, location_type=at),
            headers if status == 401 else None,
        )
        self.reason = reason


class OAuthError(GoogleError):
    """An error of the token endpoints."""

    def __init__(self, status: int, error: str, description: str | None = None) -> None:
        super().__init__(status, oauth_error(status, error, description))
        self.error = error


def file_not_found(file_id: str) -> DriveError:
    """Also what Drive says about files that this account or this app may not see."""
    return DriveError(404, "notFound", f"File not found: {file_id}.", location="fileId")


def invalid_parameter(name: str, value: str | None = None) -> DriveError:
    """A query parameter that cannot be understood."""
    message = "Invalid Value" if value is None else f"Invalid value '{value}'."
    return DriveError(400, "invalid", message, location=name)


def insufficient_permissions(file_id: str) -> DriveError:
    """The account sees the file but may not do this to it."""
    return DriveError(
        403,
        "insufficientFilePermissions",
        f"The user does not have sufficient permissions for file {file_id}.",
    )


def unauthorized() -> DriveError:
    """No access token, or one that has ended."""
    return DriveError(401, "authError", "Invalid Credentials", location="Authorization", at="header")


def insufficient_scope() -> DriveError:
    """The token was granted for less."""
    return DriveError(
        403, "insufficientPermissions", "Insufficient Permission: Request had insufficient authentication scopes."
    )
