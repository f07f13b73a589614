"""Writes what is derived from the code: `.env.example` and `docs/reference.md`. A test holds both to it."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import itertools
import sys
import textwrap
from pathlib import Path

from telpher import settings as settings_module
from telpher.access import Role, rights_of
from telpher.bot.commands import COMMANDS
from telpher.bot.texts import Texts
from telpher.cli import make_parser

ROOT = Path(__file__).parents[1]


def setting_docs() -> dict[str, str]:
    """The string under each field of `Settings`."""
    tree = ast.parse(inspect.getsource(settings_module.Settings))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
    docs: dict[str, str] = {}
    for field, doc in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(doc, ast.Expr):
            assert isinstance(doc.value, ast.Constant)
            docs[field.target.id] = inspect.cleandoc(str(doc.value.value))
    return docs


def env_example() -> str:
    """Every setting with its documentation and its default, commented out."""
    lines = [
        "# Telpher's settings. Copy this file to .env and fill in what you need: every line is optional, defaults are shown."
    ]
    docs = setting_docs()
    for field in dataclasses.fields(settings_module.Settings):
        name, *_ = settings_module.names_of(field)
        default = field.metadata["shown_default"] if "shown_default" in field.metadata else field.metadata["default"]
        lines += [
            "",
            *textwrap.wrap(docs[field.name], 118, initial_indent="# ", subsequent_indent="# "),
            f"#{name}={default}",
        ]
    return "\n".join(lines) + "\n"


def _options(parser: argparse.ArgumentParser) -> list[str]:
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction | argparse._VersionAction):
            continue
        name = ", ".join(f"`{option}`" for option in action.option_strings) or f"`{action.metavar or action.dest}`"
        rows.append(f"| {name} | {(action.help or '').replace('|', '/').replace('%%', '%')} |")
    return rows


def _commands(parser: argparse.ArgumentParser, path: str) -> list[str]:
    lines: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, command in action.choices.items():
                lines += ["", f"### `{path} {name}`", "", command.description or helps.get(name) or ""]
                if options := _options(command):
                    lines += ["", "| option | meaning |", "|---|---|", *options]
                lines += _commands(command, f"{path} {name}")
    return lines


def reference() -> str:
    """Every setting, every command of the command line with its options, and every command of the bot."""
    docs = setting_docs()
    english = Texts.for_language("en")
    lines = [
        "# Reference",
        "",
        "Made from the code by `make docs`.",
        "",
        "## Settings",
        "",
        "From the environment or `.env`; the environment wins.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for field in dataclasses.fields(settings_module.Settings):
        names = " or ".join(f"`{name}`" for name in settings_module.names_of(field))
        shown = field.metadata["shown_default"] if "shown_default" in field.metadata else field.metadata["default"]
        default = f"`{shown}`" if shown else ""
        lines.append(f"| {names} | {default} | {' '.join(docs[field.name].split())} |")
    lines += ["", "## In the chat", "", "| command | meaning |", "|---|---|"]
    for command in COMMANDS:
        names = " or ".join(f"`/{name}`" for name in (command.name, *command.aliases))
        for_whom = " (owners)" if command.right not in {None, *rights_of(Role.MEMBER)} else ""
        lines.append(f"| {names} | {english.t(command.text_key)}{for_whom} |")
    lines += ["", "## The command line", "", "`telpher COMMAND --help` says the same."]
    lines += _commands(make_parser(), "telpher")
    return "\n".join(lines) + "\n"


DERIVED = {".env.example": env_example, "docs/reference.md": reference}


def main() -> int:
    """Write all of them; prints what changed."""
    for path, derive in DERIVED.items():
        text = derive()
        file = ROOT / path
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
