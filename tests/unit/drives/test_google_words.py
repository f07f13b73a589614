"""Google's words: what its answers mean to us, and queries that a name cannot break out of."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher import errors
from telpher.drives.google.errors import from_answer
from telpher.drives.google.query import children_of, containing, entry_from, quoted, time_text
from telpher.drives.port import Checksum, ChecksumKind


def body_of(reason: str) -> bytes:
    return json.dumps(
        {"error": {"code": 0, "message": "told", "errors": [{"reason": reason, "domain": "global"}]}}
    ).encode()


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (401, "authError", errors.LoginRequiredError),
        (403, "userRateLimitExceeded", errors.DriveBusyError),
        (403, "rateLimitExceeded", errors.DriveBusyError),
        (403, "dailyLimitExceeded", errors.DriveBusyError),
        (403, "storageQuotaExceeded", errors.DriveFullError),
        (403, "insufficientFilePermissions", errors.DriveForbiddenError),
        (403, "appNotAuthorizedToFile", errors.DriveForbiddenError),
        (403, "insufficientPermissions", errors.LoginRequiredError),
        (403, "somethingNew", errors.DriveForbiddenError),
        (404, "notFound", errors.EntryNotFoundError),
        (408, "", errors.DriveUnreachableError),
        (409, "fileIdInUse", errors.EntryExistsError),
        (410, "", errors.EntryNotFoundError),
        (429, "rateLimitExceeded", errors.DriveBusyError),
        (500, "backendError", errors.DriveUnreachableError),
        (503, "", errors.DriveUnreachableError),
    ],
)
def test_each_answer_has_its_error(status: int, reason: str, kind: type[errors.DriveError]) -> None:
    assert type(from_answer(status, {}, body_of(reason))) is kind


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[]", b"null", b'{"error": "x"}', b'{"error": {"errors": [1]}}']
)
def test_a_body_that_is_no_googles_is_told_by_its_status(body: bytes) -> None:
    assert type(from_answer(502, {}, body)) is errors.DriveUnreachableError
    assert type(from_answer(403, {}, body)) is errors.DriveForbiddenError
    assert type(from_answer(418, {}, body)) is errors.DriveError


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    in_a_minute = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60), usegmt=True)
    assert from_answer(429, {"Retry-After": "7"}, b"").retry_after_s == 7
    assert from_answer(503, {"Retry-After": in_a_minute}, b"").retry_after_s == pytest.approx(60, abs=5)
    assert from_answer(429, {"Retry-After": "soon"}, b"").retry_after_s is None
    assert isinstance(from_answer(503, {"Retry-After": "7"}, b""), errors.DriveBusyError)


def unquoted(literal: str) -> str:
    """Read a query's string back as its language says, refusing one that ends before its end."""
    assert literal[0] == literal[-1] == "'"
    text, is_escaped = "", False
    for character in literal[1:-1]:
        assert is_escaped or character != "'"
        if character == "\\" and not is_escaped:
            is_escaped = True
            continue
        text, is_escaped = text + character, False
    assert not is_escaped
    return text


@given(st.text(alphabet=st.sampled_from("ab'\\ \"") | st.characters(), max_size=60))
def test_a_name_cannot_say_more_than_a_name(name: str) -> None:
    assert unquoted(quoted(name)) == name


def test_queries() -> None:
    assert children_of("a") == "'a' in parents and trashed = false"
    assert containing("it's") == "(name contains 'it\\'s' or fullText contains 'it\\'s') and trashed = false"
    assert containing("  ") == ""


def test_an_entry_from_the_least_that_google_tells() -> None:
    resource: dict[str, Any] = {
        "id": "x",
        "name": "n",
        "mimeType": "text/plain",
        "modifiedTime": "2024-02-29T13:37:42.123Z",
    }
    entry = entry_from(resource)
    assert (entry.parent_id, entry.size_bytes, entry.checksum, entry.is_trashed) == (None, None, None, False)
    assert time_text(entry.modified_at) == resource["modifiedTime"]
    assert entry_from(resource | {"size": "0", "md5Checksum": "d4"}).size_bytes == 0


def test_the_strongest_checksum_counts() -> None:
    resource = {
        "id": "a",
        "name": "a",
        "mimeType": "text/plain",
        "size": "1",
        "modifiedTime": "2024-05-06T07:08:09.123Z",
    }
    told = resource | {"md5Checksum": "d4", "sha256Checksum": "e3"}
    assert entry_from(told).checksum == Checksum(ChecksumKind.SHA256, "e3")
    assert entry_from(resource | {"md5Checksum": "d4"}).checksum == Checksum(ChecksumKind.MD5, "d4")
