"""The `telpher` command: one file per subcommand, each loaded only when it is named.

A subcommand's module gives `add_parser(subparsers)` and `run(args, settings) -> int`; what it needs beyond the standard library it
imports in `run`, so that `--help` stays quick. A wrong setting is one line on standard error and exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from telpher import __version__

COMMANDS = ("run", "init", "doctor", "connect", "compute", "backup", "restore", "rotate-key", "sandbox")
"""In the order of the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser(_wanted(arguments))
    args = parser.parse_args(arguments)
    if args.version:
        print(f"telpher {__version__}")
        return 0
    if args.command is None:
        parser.print_help()
        return 2
    return _run(_module_of(args.command), args)


def make_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the subcommands `names`, all by default."""
    parser = argparse.ArgumentParser(
        prog="telpher",
        description="A Telegram bot that puts your cloud drive into your chat, with a workshop beside it.",
        epilog="Settings come from the environment and from .env; .env.example explains each. Without a Telegram token, "
        "`telpher run` starts an offline Telegram to try it in the browser.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument(
        "--env-file", type=Path, default=Path(".env"), metavar="FILE", help="file with settings (default: .env)"
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name in names:
        _module_of(name).add_parser(subparsers)
    return parser


def _module_of(command: str) -> ModuleType:
    return importlib.import_module(f"telpher.cli.{command.replace('-', '_')}")


def _wanted(arguments: Sequence[str]) -> tuple[str, ...]:
    """The commands that are named (one, but for odd file names); else all, for the help or the complaint."""
    return tuple(dict.fromkeys(word for word in arguments if word in COMMANDS)) or COMMANDS


def _run(module: ModuleType, args: argparse.Namespace) -> int:
    from telpher.errors import DiskFullError, SettingsInvalidError, StoreError  # noqa: PLC0415 - only once a command runs

    try:
        if not getattr(args, "uses_settings", True):
            return int(module.run(args))
        from telpher import settings  # noqa: PLC0415 - as above

        return int(module.run(args, settings.load(args.env_file)))
    except SettingsInvalidError as error:
        print(f"telpher: {error}", file=sys.stderr)
        return 2
    except (StoreError, DiskFullError) as error:
        print(f"telpher: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
