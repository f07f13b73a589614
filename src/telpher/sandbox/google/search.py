"""Listing: a parsed query, an order and a page become one SQL statement that the indexes carry."""

from __future__ import annotations

import base64
import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from telpher.sandbox.google.access import account_of, find_file, ids_below, member_drives
from telpher.sandbox.google.errors import DriveError, file_not_found, invalid_parameter
from telpher.sandbox.google.grants import Caller
from telpher.sandbox.google.ledger import Ledger, from_rfc3339, now_ms, words_of
from telpher.sandbox.google.query import (
    And,
    Comparison,
    Has,
    Member,
    Not,
    Or,
    Query,
    QueryInvalidError,
    links_of,
    parse_query,
)

PAGE_SIZE, PAGE_SIZE_LIMIT = 100, 1000
_ALIVE = "(p.expires_ms IS NULL OR p.expires_ms > :now)"
_SHARED_DIRECTLY = f"EXISTS (SELECT 1 FROM permissions p WHERE p.file_id = f.id AND p.email = :me AND {_ALIVE})"  # noqa: S608
_SHARED_TIME = "coalesce((SELECT p.created_ms FROM permissions p WHERE p.file_id = f.id AND p.email = :me), 0)"
ORDER_KEYS = {
    "createdTime": "f.created_ms",
    "folder": "f.folder_rank",
    "modifiedByMeTime": "(CASE WHEN f.modified_by = :me THEN f.modified_ms ELSE 0 END)",
    "modifiedTime": "f.modified_ms",
    "name": "f.name_key",
    "name_natural": "f.natural_key",
    "quotaBytesUsed": "f.quota_bytes",
    "recency": "f.modified_ms",
    "sharedWithMeTime": _SHARED_TIME,
    "starred": "coalesce(m.is_starred, 0)",
    "viewedByMeTime": "coalesce(m.viewed_ms, 0)",
}
_TIMES = {
    "modifiedTime": "f.modified_ms",
    "createdTime": "f.created_ms",
    "viewedByMeTime": "m.viewed_ms",
    "sharedWithMeTime": f"nullif({_SHARED_TIME}, 0)",
}
_FLAGS = {
    "trashed": "f.is_trashed",
    "starred": "coalesce(m.is_starred, 0)",
    "sharedWithMe": f"(f.owner IS NOT :me AND f.drive_id IS NULL AND {_SHARED_DIRECTLY})",
}
_COLUMNS = {
    "name": {"=": "f.name_key = {}", "!=": "f.name_key <> {}"},
    "mimeType": {"=": "f.mime_type = {}", "!=": "f.mime_type <> {}", "contains": "instr(f.mime_type, {}) > 0"},
    "shortcutDetails.targetId": {"=": "f.shortcut_target IS {}", "!=": "f.shortcut_target IS NOT {}"},
}
_SQL_OPERATORS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_VISIBILITIES = {"anyoneCanFind": 1, "anyoneWithLink": 0}
_WRITERS = "('writer', 'fileOrganizer', 'organizer', 'owner')"


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing."""

    rows: list[sqlite3.Row]
    next_token: str | None


def page_size(query: Mapping[str, str], limit: int = PAGE_SIZE_LIMIT, default: int = PAGE_SIZE) -> int:
    """The wanted page size, within the method's limits."""
    text = query.get("pageSize", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= limit:
        message = f"Invalid value '{text}'. Values must be within the range: [1, {limit}]"
        raise DriveError(400, "invalidParameter", message, location="pageSize")
    return int(text)


def offset(token: str | None) -> int:
    """A page token that is a number; none is the beginning."""
    if token is None:
        return 0
    if not token.isascii() or not token.isdigit():
        raise invalid_parameter("pageToken")
    return int(token)


class _Compiler:
    """Turns a query into a condition; the values are bound, never pasted."""

    def __init__(self, ledger: Ledger, caller: Caller) -> None:
        self._ledger = ledger
        self._caller = caller
        self.values: dict[str, Any] = {}
        self.folders: list[str] = []
        self.has_full_text = False

    def bind(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def condition(self, query: Query) -> str:
        match query:
            case And():
                return _balanced([self.condition(link) for link in links_of(query)], " AND ")
            case Or():
                return _balanced([self.condition(link) for link in links_of(query)], " OR ")
            case Not(of):
                return f"(NOT coalesce({self.condition(of)}, 0))"
            case Member(value, collection):
                return self._member(value, collection)
            case Has(collection, key, value):
                return self._has(collection, key, value)
            case Comparison(field, operator, value):
                return self._comparison(field, operator, value)

    def _member(self, value: str, collection: str) -> str:
        if collection == "parents":
            if value == "root":
                value = account_of(self._ledger, self._caller.email)["root_id"]
            self.folders.append(value)
            return f"f.parent_id = {self.bind(value)}"
        email = self.bind(self._caller.email if value == "me" else value)
        if collection == "owners":
            return f"f.owner = {email}"
        roles = f" AND p.role IN {_WRITERS}" if collection == "writers" else ""
        direct = (
            f"EXISTS (SELECT 1 FROM permissions p WHERE p.file_id = f.id AND p.email = {email} AND {_ALIVE}{roles})"  # noqa: S608
        )
        return f"(f.owner = {email} OR {direct})"

    def _has(self, collection: str, key: str, value: str) -> str:
        source = "f.properties"
        if collection == "appProperties":
            source = (
                f"coalesce(json_extract(f.app_properties, {self.bind(_json_path(self._caller.client_id))}), '{{}}')"
            )
        return (
            f"EXISTS (SELECT 1 FROM json_each({source}) j"  # noqa: S608
            f" WHERE j.key = {self.bind(key)} AND j.value = {self.bind(value)})"
        )

    def _comparison(self, field: str, operator: str, value: str) -> str:
        if field in _TIMES:
            try:
                moment_ms = from_rfc3339(value)
            except ValueError:
                raise QueryInvalidError(f"{value} is no time") from None
            return f"{_TIMES[field]} {_SQL_OPERATORS[operator]} {self.bind(moment_ms)}"
        if field in _FLAGS:
            is_wanted = (value == "true") == (operator == "=")
            return f"{_FLAGS[field]} = {int(is_wanted)}"
        if field == "name" and operator == "contains":
            return self._name_contains(value)
        if field in _COLUMNS:
            return _COLUMNS[field][operator].format(self.bind(value.casefold() if field == "name" else value))
        if field == "fullText":
            self.has_full_text = True
            return (
                f"text_contains(f.name || ' ' || coalesce(f.description, '') || ' ' || f.full_text, {self.bind(value)})"
            )
        if field == "visibility":
            return self._visibility(value, is_wanted=operator == "=")
        raise QueryInvalidError(f"{field} is not a term of files")

    def _name_contains(self, value: str) -> str:
        """The exact test is ours and slow; SQLite's own substring test spares it most names."""
        quick = "".join(f"instr(f.name_key, {self.bind(word)}) > 0 AND " for word in words_of(value))
        return f"({quick}name_contains(f.name, {self.bind(value)}))"

    def _visibility(self, value: str, *, is_wanted: bool) -> str:
        if value not in ("limited", *_VISIBILITIES):
            raise QueryInvalidError(f"{value} is no visibility")
        which = "" if value == "limited" else f" AND p.is_discoverable = {_VISIBILITIES[value]}"
        has_link = (
            f"EXISTS (SELECT 1 FROM permissions p WHERE p.file_id = f.id AND p.type = 'anyone' AND {_ALIVE}{which})"  # noqa: S608
        )
        return has_link if is_wanted == (value != "limited") else f"(NOT {has_link})"


def _balanced(conditions: list[str], operator: str) -> str:
    """A long chain as a shallow tree: SQLite bounds the depth of an expression."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return f"({_balanced(conditions[:middle], operator)}{operator}{_balanced(conditions[middle:], operator)})"


def _json_path(key: str) -> str:
    return '$."' + key.replace('"', "") + '"'


def list_files(ledger: Ledger, caller: Caller, query: Mapping[str, str]) -> Page:
    """One page of files.list."""
    compiler = _Compiler(ledger, caller)
    parsed: Query | None = None
    condition = "1"
    if text := query.get("q", "").strip():
        try:
            parsed = parse_query(text)
            condition = compiler.condition(parsed)
        except QueryInvalidError:
            raise invalid_parameter("q") from None
    order = _order(query.get("orderBy", ""))
    if compiler.has_full_text and query.get("orderBy"):
        raise DriveError(
            403,
            "forbidden",
            "Sorting is not supported for queries with fullText terms. Results are always in descending relevance order.",
            location="orderBy",
        )
    all_drives = query.get("supportsAllDrives") == "true"
    _check_folders(ledger, caller, compiler.folders, all_drives=all_drives)
    in_one_folder = isinstance(parsed, And | Member) and _is_in_folder(parsed)
    where = [_scope(ledger, caller, query, compiler, use_index=not in_one_folder), condition, "f.parent_id IS NOT NULL"]
    if caller.sees_only_own_files:
        app = compiler.bind(caller.client_id)
        where.append(
            f"(f.client_id = {app} OR EXISTS (SELECT 1 FROM picked k WHERE k.client_id = {app} AND k.file_id = f.id))"  # noqa: S608
        )
    fingerprint = ledger.sign(json.dumps([caller.email, *(query.get(name, "") for name in _PAGED_BY)]))
    if token := query.get("pageToken"):
        where.append(_after(token, fingerprint, order, compiler))
    size = page_size(query)
    columns = ", ".join(f"{expression} AS o{index}" for index, (expression, _) in enumerate(order))
    directions = ", ".join(f"{expression} {'DESC' if is_desc else 'ASC'}" for expression, is_desc in order)
    statement = (
        f"SELECT f.*, coalesce(m.is_starred, 0) AS is_starred, m.viewed_ms, {columns} FROM files f"  # noqa: S608
        " LEFT JOIN marks m ON m.email = :me AND m.file_id = f.id"
        f" WHERE {' AND '.join(where)} ORDER BY {directions} LIMIT {size + 1}"
    )
    rows = ledger.select(statement, compiler.values | {"me": caller.email, "now": now_ms()})
    next_token = None
    if len(rows) > size:
        rows.pop()
        next_token = _token([rows[-1][f"o{index}"] for index in range(len(order))], fingerprint)
    return Page(rows, next_token)


_PAGED_BY = ("q", "orderBy", "corpora", "driveId", "includeItemsFromAllDrives")


def _is_in_folder(query: Query) -> bool:
    """Whether one folder holds all that can match, so that its index is the one to use."""
    if isinstance(query, And):
        return any(_is_in_folder(link) for link in links_of(query))
    return isinstance(query, Member) and query.collection == "parents"


def _check_folders(ledger: Ledger, caller: Caller, folders: list[str], *, all_drives: bool) -> None:
    root_id = account_of(ledger, caller.email)["root_id"]
    for folder_id in folders:
        if folder_id != root_id and ledger.one("SELECT 1 FROM drives WHERE id = ?", folder_id) is None:
            try:
                find_file(ledger, caller, folder_id, all_drives=all_drives)
            except DriveError:
                raise file_not_found(".") from None


def _scope(ledger: Ledger, caller: Caller, query: Mapping[str, str], compiler: _Compiler, *, use_index: bool) -> str:
    """Where to look: my files and those shared with me, one shared drive, or all of them."""
    corpora, drive_id = query.get("corpora", "user"), query.get("driveId")
    wants_drives = query.get("includeItemsFromAllDrives") == "true"
    if corpora not in ("user", "drive", "allDrives", "domain"):
        raise invalid_parameter("corpora", corpora)
    if (corpora == "drive") != (drive_id is not None):
        message = "The driveId parameter must be specified if and only if corpora is set to drive."
        raise DriveError(400, "invalid", message, location="driveId")
    if (wants_drives or corpora in ("drive", "allDrives")) and query.get("supportsAllDrives") != "true":
        message = "The includeItemsFromAllDrives and corpora parameters can only be used with supportsAllDrives=true."
        raise DriveError(400, "invalid", message, location="supportsAllDrives")
    if corpora in ("drive", "allDrives") and not wants_drives:
        message = f"includeItemsFromAllDrives must be true when corpora is {corpora}."
        raise DriveError(400, "invalid", message, location="includeItemsFromAllDrives")
    drives = member_drives(ledger, caller.email)
    if drive_id is not None:
        if drive_id not in drives:
            raise DriveError(404, "notFound", f"Shared drive not found: {drive_id}", location="driveId")
        return f"f.drive_id = {compiler.bind(drive_id)}"
    choices = ["f.owner = :me" if use_index else "+f.owner = :me"]
    if shared := _shared_with(ledger, caller.email):
        choices.append(f"f.id IN (SELECT value FROM json_each({compiler.bind(json.dumps(shared))}))")  # noqa: S608
    if wants_drives and drives:
        choices.append(f"f.drive_id IN (SELECT value FROM json_each({compiler.bind(json.dumps(drives))}))")  # noqa: S608
    return choices[0] if len(choices) == 1 else f"({' OR '.join(choices)})"


def _shared_with(ledger: Ledger, email: str) -> list[str]:
    """What others shared with this account in their own drives, with everything below."""
    roots = ledger.all(
        "SELECT DISTINCT p.file_id FROM permissions p JOIN files f ON f.id = p.file_id"
        " WHERE p.email = ? AND f.drive_id IS NULL AND f.owner IS NOT ? AND (p.expires_ms IS NULL OR p.expires_ms > ?)",
        *(email, email, now_ms()),
    )
    below = {file_id for root in roots for file_id in ids_below(ledger, root["file_id"])}
    return sorted(below)


def _order(text: str) -> list[tuple[str, bool]]:
    """The sort keys as SQL with their directions; the id makes the order total."""
    order: list[tuple[str, bool]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, direction = part.partition(" ")
        if name not in ORDER_KEYS or direction.strip() not in ("", "desc"):
            raise invalid_parameter("orderBy", part)
        order.append((ORDER_KEYS[name], (direction.strip() == "desc") != (name == "recency")))
    if not order:
        order = [("f.modified_ms", True)]
    return [*order, ("f.id", order[-1][1])]


def _token(values: list[Any], fingerprint: str) -> str:
    packed = json.dumps([fingerprint, values], ensure_ascii=False, separators=(",", ":"))
    return "~!!~" + base64.urlsafe_b64encode(packed.encode("utf-8", "surrogatepass")).decode("ascii")


def _after(token: str, fingerprint: str, order: list[tuple[str, bool]], compiler: _Compiler) -> str:
    """The condition for what comes after the page that gave this token."""
    try:
        packed = json.loads(base64.urlsafe_b64decode(token.removeprefix("~!!~")))
        seal, values = packed
    except ValueError:
        raise invalid_parameter("pageToken") from None
    if seal != fingerprint or len(values) != len(order):
        raise invalid_parameter("pageToken")
    names = [compiler.bind(value) for value in values]
    if len({is_desc for _, is_desc in order}) == 1:
        sign = "<" if order[0][1] else ">"
        return f"({', '.join(expression for expression, _ in order)}) {sign} ({', '.join(names)})"
    choices = []
    for index, (expression, is_desc) in enumerate(order):
        same = [f"{order[before][0]} = {names[before]}" for before in range(index)]
        choices.append(" AND ".join([*same, f"{expression} {'<' if is_desc else '>'} {names[index]}"]))
    return f"({' OR '.join(f'({choice})' for choice in choices)})"
