"""Strangers get nothing, and neither do acquaintances: whatever one person was ever shown, the other replays, and tries by every action.

What is tried is found, not listed: every button on the way through all of a person's menus, and every action that takes something of a
person's. So a new button or action is tried here without anybody's doing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import inspect
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.driver import Person, buttons_of, has_text, text_of
from tests.scenarios.conftest import TelpherRunning, database_of
from tests.scenarios.google_rig import google
from tests.scenarios.linking import connect, ready_to_link
from tests.scenarios.waits import eventually

from telpher.access import Role
from telpher.bot.callbacks import LIMIT_BYTES
from telpher.bot.commands import COMMANDS
from telpher.bot.desk import Desk
from telpher.bot.outbox import Pace
from telpher.errors import TelpherError
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings
from telpher.store import open_store
from telpher.store.schema import metadata

IDS = {"Anna": 1001, "Boris": 1002}
ACCOUNTS = {"Anna": "anna@example.com", "Boris": "boris@example.com"}
_PRESSES = 120
# What a tour leaves alone, so that there is something left to be tried on: it is replayed all the same.
_DESTRUCTIVE = ("🗑", "🔌", "✖️", "Yes", "Да,", "Begin again", "🚪")
_OTHER_COMMANDS = {"start", "help", "hello", "whoami", "compute", "connect", "cancel"}


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await ready_to_link(telpher_settings, sandbox, tmp_path, (IDS["Anna"],))


@dataclasses.dataclass
class Case:
    """Whose things, who is after them, and on which drive."""

    running: TelpherRunning
    victim: Person
    victim_name: str
    other: Person

    @property
    def mark(self) -> str:
        """Stands in the name of everything that is the victim's."""
        return f"secret-of-{self.victim_name}".casefold()


async def _at_once(_pace: Pace, _chat_id: int) -> None:
    return


@pytest.fixture(params=[("folder", "Anna"), ("google", "Anna"), ("google", "Boris")], ids="-".join)
async def case(
    request: pytest.FixtureRequest,
    telpher_running: TelpherRunning,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Case]:
    kind, victim_name = request.param
    other_name = next(name for name in IDS if name != victim_name)
    desk = telpher_running.app._desk
    assert desk is not None
    await desk.access.let_in(IDS["Boris"], Role.MEMBER)
    # Hundreds of presses in a row are this test's alone: how fast messages may leave is shown elsewhere.
    monkeypatch.setattr(Pace, "turn", _at_once)
    async with Person(sandbox.url, IDS[victim_name]) as victim, Person(sandbox.url, IDS[other_name]) as other:
        if kind == "google":
            await connect(victim, sandbox, ACCOUNTS[victim_name])
            await connect(other, sandbox, ACCOUNTS[other_name])
        case = Case(telpher_running, victim, victim_name, other)
        for name in ("one.txt", "two.zip"):
            sent = await victim.send_file(b"treasure", name=f"{case.mark} {name}", kind="document")
            await victim.wait_for(has_text(case.mark, "✅"), after=sent, timeout_s=30)
        sent = await other.send_file(b"own", name="own.txt", kind="document")
        await other.wait_for(has_text("own.txt", "✅"), after=sent, timeout_s=30)
        yield case


def shown_to(person: Person) -> dict[str, tuple[int, str]]:
    """Every button that the person was ever shown: its data, a message that it stood under, its label."""
    events = [event["message"] for event in person.events if event["type"] in {"message", "edited"}]
    return {
        button["callback_data"]: (message["message_id"], button["text"])
        for message in [*person.messages, *events]
        for button in buttons_of(message)
        if "callback_data" in button
    }


async def settled(case: Case, person: Person) -> None:
    """Until the bot has handled whatever anybody sent it before this call."""
    await person.ask("/whoami", has_text(str(person.user_id)))

    async def is_idle() -> bool:
        return case.running.app._dispatcher is not None and case.running.app._dispatcher.backlog == 0

    await eventually(is_idle)


async def tour(case: Case) -> None:
    """Go through all menus: every command, and every button that destroys nothing, the buttons that these bring included."""
    victim = case.victim
    for command in [one.name for one in COMMANDS if one.name not in _OTHER_COMMANDS]:
        await victim.ask(f"/{command}")
    await victim.ask(f"/find {case.mark}")
    pressed: set[str] = set()
    while len(pressed) < _PRESSES:
        waiting = {
            data: place
            for data, place in shown_to(victim).items()
            if data not in pressed and not place[1].startswith(_DESTRUCTIVE)
        }
        if not waiting:
            break
        data, (message_id, _) = next(iter(waiting.items()))
        pressed.add(data)
        await victim.press_data(message_id, data)
    await settled(case, victim)


async def state_of(case: Case) -> dict[str, Any]:
    """Everything of the victim's: the files, and every row that bears their id."""
    store = open_store(database_of(case.running.settings))
    person_id = IDS[case.victim_name]
    passing = {"inbox", "people", "person_use", "errands", "floods", "command_menus"}
    try:
        rows = await store.read(
            lambda connection: {
                table.name: sorted(
                    repr(tuple(row))
                    for row in connection.execute(
                        # Whether a receipt's last edit has arrived changes by itself.
                        sa.select(*(one for one in table.c if one.name != "is_settled")).where(
                            table.c.person_id == person_id
                        )
                    ).all()
                )
                for table in metadata.sorted_tables
                if "person_id" in table.c and table.name not in passing
            }
        )
    finally:
        await store.close()
    folders = [case.running.drive_dir, case.running.settings.data_dir / "drives" / str(person_id)]
    own = {
        str(path): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and case.mark in path.name.casefold()
    }
    listed = await google(case.running.sandbox, "GET", f"files?account={ACCOUNTS[case.victim_name]}")
    return {"rows": rows, "files": own, "google": listed}


async def handles_of(case: Case) -> tuple[list[str], list[int], list[str]]:
    """What the victim's buttons could name: tokens, numbers, drives."""
    store = open_store(database_of(case.running.settings))
    person_id = IDS[case.victim_name]
    tokens: set[str] = set()
    numbers: set[int] = set()
    try:
        for table in metadata.sorted_tables:
            if "person_id" not in table.c or table.name == "inbox":
                continue
            query = sa.select(table).where(table.c.person_id == person_id)
            for row in await store.read(lambda connection, query=query: connection.execute(query).mappings().all()):
                if isinstance(row.get("token"), str):
                    tokens.add(row["token"])
                if isinstance(row.get("id"), int):
                    numbers.add(row["id"])
    finally:
        await store.close()
    desk = case.running.app._desk
    assert desk is not None
    drives = [card.link.name for card in await desk.my_drives.list_for(person_id)]
    return sorted(tokens), sorted(numbers), drives


def leaks_in(case: Case) -> list[str]:
    """What of the victim's the other was ever shown."""
    seen = [repr(event) for event in case.other.events] + [repr(toast) for toast in case.other.toasts]
    marks = (case.mark, ACCOUNTS[case.victim_name])
    return [one for one in seen if any(mark in one.casefold() for mark in marks)]


async def test_every_button_of_one_replayed_by_the_other(case: Case) -> None:
    await tour(case)
    buttons = shown_to(case.victim)
    assert len(buttons) >= 20, sorted(buttons)
    assert all(len(data.encode()) <= LIMIT_BYTES for data in buttons)
    hello = await case.other.ask("/hello")
    before = await state_of(case)
    for data in buttons:
        await case.other.press_data(hello, data)
    # What they brought to wait for, a message would answer.
    await case.other.send_text("an answer to whatever was asked")
    await settled(case, case.other)
    assert leaks_in(case) == []
    assert await state_of(case) == before


def _actions(desk: Desk) -> Iterator[tuple[str, Callable[..., Any], inspect.Signature]]:
    for field in dataclasses.fields(desk):
        action = getattr(desk, field.name)
        if type(action).__module__.startswith("telpher.actions"):
            for name, method in inspect.getmembers(action, inspect.iscoroutinefunction):
                if not name.startswith("_") and "person_id" in inspect.signature(method).parameters:
                    yield f"{field.name}.{name}", method, inspect.signature(method)


def _filled(parameter: inspect.Parameter, kind: Any) -> Any:
    """Something that fits a parameter that names nothing."""
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    known: dict[str, Any] = {
        "chat_id": IDS["Boris"],
        "reply_to": None,
        "key": "isolation",
        "page": 0,
        "is_for_team": True,
        "address": "boris@example.com",
        "moment": dt.datetime.now(dt.UTC),
    }
    if parameter.name in known:
        return known[parameter.name]
    if parameter.default is not inspect.Parameter.empty:
        return parameter.default
    return "boris"


async def test_every_action_tried_on_the_others_things(case: Case) -> None:
    await tour(case)
    tokens, numbers, drives = await handles_of(case)
    assert len(tokens) >= 3
    assert numbers
    desk = case.running.app._desk
    assert desk is not None
    before = await state_of(case)
    other_id = next(person_id for name, person_id in IDS.items() if name != case.victim_name)
    leaks, tried = [], set()
    for name, method, signature in _actions(desk):
        for handle, values in (("token", tokens), ("_id", numbers), ("drive", drives)):
            naming = [
                one
                for one in signature.parameters
                if (one.endswith(handle) or one == handle) and one not in {"person_id", "chat_id", "owner_id"}
            ]
            if not naming:
                continue
            kinds = typing.get_type_hints(method)
            for value in values:
                tried.add(name)
                arguments = {
                    one: other_id
                    if one == "person_id"
                    else value
                    if one in naming
                    else _filled(parameter, kinds.get(one))
                    for one, parameter in signature.parameters.items()
                    if parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}
                }
                try:
                    found = await method(**arguments)
                except TelpherError:
                    continue
                except (TypeError, AttributeError, ValueError):
                    # A parameter that this test could not fill sensibly: it must at least come after the check.
                    leaks.append(f"{name} did not look whose it is first")
                    break
                if case.mark in repr(found).casefold() or ACCOUNTS[case.victim_name] in repr(found):
                    leaks.append(f"{name}: {found!r}")
    assert {"browse.page", "get_back.request", "my_drives.disconnect", "undo.request", "follow_jobs.get"} <= tried
    assert leaks == []
    assert leaks_in(case) == []
    assert await state_of(case) == before
    assert text_of(await case.other.ask("/hello"))
