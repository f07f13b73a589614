"""Tells the owners what needs a person: once, and again only after it was well in between. Also across restarts."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import shutil
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.errors import TelpherError
from telpher.store import Store
from telpher.store.schema import alerts, inbox, jobs, login_alarms, paused_accounts

_log = logging.getLogger(__name__)

_FIRST_LOOK_S = 10.0
_LOOKS_EVERY_S = 60.0
_DISK_SHARE_WHEN_TOLD = 0.05
_DISK_SHARE_WHEN_WELL = 0.07
_STUCK_MS = 15 * 60_000
_CERTIFICATE_DAYS = 14
_CERTIFICATE_EVERY_S = 6 * 3600.0
_CONNECT_LIMIT_S = 10.0


@dataclasses.dataclass(frozen=True)
class Alert:
    """`kind` tells it from others that hold at the same time."""

    kind: str
    text_key: str
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)


Check = Callable[[frozenset[str]], Awaitable[list[Alert]]]
"""What holds now; it is given the kinds that were told of, so that what hovers about a limit is not told anew each time."""
TellOwners = Callable[[Alert], Awaitable[bool]]
"""Whether it reached anybody."""


class Alerts:
    """`run` looks once a minute until it is cancelled."""

    def __init__(self, store: Store, checks: list[Check], tell: TellOwners) -> None:
        self._store = store
        self._checks = checks
        self._tell = tell

    async def run(self) -> None:
        """Look, for as long as we live."""
        await asyncio.sleep(_FIRST_LOOK_S)
        while True:
            try:
                await self.look()
            except (TelpherError, OSError) as error:
                _log.warning("what needs a person is looked for again later: %s", error)
            await asyncio.sleep(_LOOKS_EVERY_S)

    async def look(self) -> None:
        """Tell what is new, forget what is well again."""
        told = await self._store.read(lambda connection: frozenset(connection.scalars(sa.select(alerts.c.kind))))
        found = {alert.kind: alert for check in self._checks for alert in await check(told)}
        reached = [kind for kind, alert in found.items() if kind not in told and await self._reaches(alert)]
        over = told - set(found)
        if reached or over:
            await self._store.write(lambda connection: _note(connection, reached, over))

    async def _reaches(self, alert: Alert) -> bool:
        _log.warning("needs a person: %s", alert.kind)
        return await self._tell(alert)


def _note(connection: Connection, reached: list[str], over: frozenset[str]) -> None:
    connection.execute(sa.delete(alerts).where(alerts.c.kind.in_(over)))
    if reached:
        now_ms = time.time_ns() // 1_000_000
        connection.execute(sa.insert(alerts), [{"kind": kind, "since_ms": now_ms} for kind in reached])


def disk_check(directory: Path, headroom_bytes: int) -> Check:
    """The disk is nearly full: less than DISK_HEADROOM, or than a twentieth, is left."""

    async def check(told: frozenset[str]) -> list[Alert]:
        usage = await asyncio.to_thread(shutil.disk_usage, directory)
        share = _DISK_SHARE_WHEN_WELL if "disk" in told else _DISK_SHARE_WHEN_TOLD
        # A large disk has room in its last twentieth: ten times the headroom is enough anywhere.
        limit_bytes = max(headroom_bytes, min(usage.total * share, headroom_bytes * 10))
        if usage.free >= limit_bytes:
            return []
        return [Alert("disk", "alert.disk", {"free_bytes": usage.free})]

    return check


def account_check(store: Store) -> Check:
    """An account's jobs wait until somebody has logged in again, who could not be told so."""

    async def check(told: frozenset[str]) -> list[Alert]:
        del told
        is_login = paused_accounts.c.error_key.like("error.login%")
        rows = await store.read(
            lambda connection: connection.execute(
                sa.select(paused_accounts.c.account).where(
                    is_login, paused_accounts.c.account.not_in(sa.select(login_alarms.c.account))
                )
            ).all()
        )
        return [Alert(f"login:{row.account}", "alert.login", {"account": row.account}) for row in rows]

    return check


def queue_check(store: Store) -> Check:
    """Jobs are due and none runs, or updates are not handled: something stands still that should not."""

    async def check(told: frozenset[str]) -> list[Alert]:
        del told
        before_ms = time.time_ns() // 1_000_000 - _STUCK_MS
        stuck = await store.read(lambda connection: _stuck(connection, before_ms))
        return [Alert("queue", "alert.queue", {"count": stuck})] if stuck else []

    return check


def _stuck(connection: Connection, before_ms: int) -> int:
    is_held = jobs.c.account.in_(sa.select(paused_accounts.c.account))
    waiting = sa.select(sa.func.count()).where(
        jobs.c.state == "queued", jobs.c.created_ms < before_ms, jobs.c.account.is_(None) | ~is_held
    )
    moving = sa.select(sa.func.count()).where((jobs.c.state == "running") | (jobs.c.finished_ms >= before_ms))
    stale = sa.select(sa.func.count()).where(inbox.c.state == "new", inbox.c.received_ms < before_ms)
    count = int(connection.scalar(waiting) or 0)
    return (0 if connection.scalar(moving) else count) + int(connection.scalar(stale) or 0)


def certificate_check(webhook_url: str, clock: Callable[[], float] = time.time) -> Check:
    """The certificate that Telegram sees ends within a fortnight. Looked at every few hours."""
    address = urlsplit(webhook_url)
    looked_s = 0.0
    days_left: float | None = None

    async def check(told: frozenset[str]) -> list[Alert]:
        del told
        nonlocal looked_s, days_left
        if clock() - looked_s >= _CERTIFICATE_EVERY_S:
            looked_s = clock()
            days_left = await _days_left(address.hostname or "", address.port or 443, clock())
        if days_left is None or days_left >= _CERTIFICATE_DAYS:
            return []
        return [Alert("certificate", "alert.certificate", {"host": address.hostname, "days": max(0, int(days_left))})]

    return check


async def _days_left(host: str, port: int, now_s: float) -> float | None:
    """None when nobody answers: that is for others to notice. 0 for one that is not trusted (any more)."""
    writer = None
    try:
        async with asyncio.timeout(_CONNECT_LIMIT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
            certificate = writer.get_extra_info("peercert") or {}
    except ssl.SSLCertVerificationError:
        return 0.0
    except (OSError, TimeoutError):
        return None
    finally:
        if writer is not None:
            writer.close()
    ends = certificate.get("notAfter")
    return None if ends is None else (ssl.cert_time_to_seconds(ends) - now_s) / 86_400
