"""Tells the service manager how we are: ready, alive, stopping (https://www.freedesktop.org/software/systemd/man/sd_notify.html).

A few datagrams to the socket named in NOTIFY_SOCKET; without one, nothing happens.
"""

from __future__ import annotations

import asyncio
import os
import socket


def _send(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.sendall(state.encode())


def ready() -> None:
    """Start-up is over: the service answers."""
    _send("READY=1")


def stopping() -> None:
    """A graceful stop has begun."""
    _send("STOPPING=1")


async def keep_watchdog_fed() -> None:
    """Say "alive" twice per watchdog interval, from the event loop: a loop that stands still stops saying it.

    Ends at once where there is no watchdog.
    """
    interval_us = int(os.environ.get("WATCHDOG_USEC", "0"))
    watched = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not interval_us or watched != str(os.getpid()):
        return
    while True:
        _send("WATCHDOG=1")
        await asyncio.sleep(interval_us / 2_000_000)
