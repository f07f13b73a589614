"""`telpher doctor`: looks at everything that Telpher depends on; one line each, with what to do where something is wrong.

It shows no secret, and may run beside a running Telpher. Exit code 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio

from telpher.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Tell argparse of this command."""
    subparsers.add_parser(
        "doctor",
        help="check everything that Telpher needs, and say what to do",
        description="Check the token, the owners, the drive, the disk, the database, ffmpeg and the clock: a line each. "
        "Exit code 1 when something is wrong.",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001 - every command is given both
    """Print the findings."""
    return 0 if asyncio.run(_print_findings(settings)) else 1


async def _print_findings(settings: Settings) -> bool:
    from telpher import doctor, logs  # noqa: PLC0415 - not for --help
    from telpher.app import secrets_of  # noqa: PLC0415 - as above
    from telpher.bot.formats import plain, reason  # noqa: PLC0415 - as above
    from telpher.bot.texts import Texts  # noqa: PLC0415 - as above

    redactor = logs.set_up("ERROR", "text", secrets_of(settings))
    texts = Texts.for_language("en")
    is_well = True
    async for name, finding in doctor.examine(settings):
        mark = {True: "ok", False: "WRONG", None: "note"}[finding.is_well]
        told = plain(reason(texts, finding.text_key, finding.params))
        print(redactor.strike(f"{mark:<6} {name:<9} {told}"), flush=True)
        is_well = is_well and finding.is_well is not False
    return is_well
