"""What an owner sees of Telpher itself, in the chat: figures, findings, profiles, and alerts that come once."""

from __future__ import annotations

import asyncio
import pstats
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from tests.driver import Person, find_button, has_text
from tests.scenarios.conftest import TelpherProcess, TelpherRunning

from telpher.access import Role
from telpher.actions import alerts
from telpher.actions.alerts import Alert, Alerts
from telpher.store import Store, open_store
from telpher.store.schema import paused_accounts

_MEMBER_ID = 1002


async def test_stats_are_figures_and_a_picture_of_the_day(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.ask("/hello", has_text("Anna"))
    await anna.send_file(b"x" * 5_000_000, name="first.bin")
    await anna.wait_for(has_text("first.bin", "verified"))
    shown = await anna.ask("/stats", has_text("24 hours"))
    assert "photo" in shown
    caption = shown["caption"]
    assert "Jobs done: 1, failed: 0" in caption
    assert "Carried: 4.8 MB" in caption
    assert "/hello" in caption
    picture = await anna.download(shown)
    assert picture.startswith((b"\x89PNG", b"\xff\xd8"))


async def test_only_owners_see_any_of_it(telpher_running: TelpherRunning, anna: Person) -> None:
    await telpher_running.app.desk.access.let_in(_MEMBER_ID, Role.MEMBER)
    async with Person(telpher_running.sandbox.url, _MEMBER_ID) as boris:
        for command in ("/stats", "/doctor", "/profile files"):
            answer = await boris.ask(command)
            assert command.split()[0] in answer["text"], "an unknown command, as any other"
            assert "photo" not in answer
        shown = await anna.ask("/doctor", has_text("Database"))
        forged = find_button(shown, "Check again")["callback_data"]
        toast = await boris.press_data(boris.last_message, forged)
        assert "Database" not in toast.text
        assert not any("Database" in message.get("text", "") for message in boris.messages)


async def test_the_doctor_in_the_chat(telpher_running: TelpherRunning, anna: Person) -> None:
    shown = await anna.ask("/doctor", has_text("Database"))
    assert "@telpher_sandbox_bot" in shown["text"]
    assert "❌" not in shown["text"]
    assert telpher_running.sandbox.token.partition(":")[2] not in shown["text"]

    # What waits for an account goes on at the press of a button.
    store = telpher_running.app.store
    await store.write(lambda connection: connection.execute(sa.insert(paused_accounts).values(account="x", since_ms=1)))
    await anna.press(shown, "Check again")
    shown = await anna.wait_for_change(shown, has_text("wait for 1 account"))
    await anna.press(shown, "Let what waits go on")
    shown = await anna.wait_for_change(shown, has_text("Database"))
    assert "wait for" not in shown["text"]


async def test_a_profile_of_the_next_run(telpher_running: TelpherRunning, anna: Person, tmp_path: Path) -> None:
    await anna.ask("/profile nothing", has_text("/profile files"))
    await anna.ask("/profile files", has_text("/files"))
    asked = await anna.send_text("/files")
    page = await anna.wait_for(
        lambda message: message.get("document", {}).get("file_name") == "files.html", after=asked
    )
    profile = await anna.wait_for(lambda message: message.get("document", {}).get("file_name") == "files.prof")
    assert "/files" in page["caption"]
    content = (await anna.download(page)).decode()
    assert "files.py" in content
    (tmp_path / "files.prof").write_bytes(await anna.download(profile))
    functions = {name for _, _, name in pstats.Stats(str(tmp_path / "files.prof")).stats}  # type: ignore[attr-defined]
    assert "files" in functions
    # Once.
    asked = await anna.ask("/files")
    await anna.ask("/hello", has_text("Anna"))
    assert not any("document" in message for message in anna.messages if message["message_id"] > asked["message_id"])


async def test_run_with_profile_writes_a_file_for_each_command(
    telpher_process: TelpherProcess, anna: Person, tmp_path: Path
) -> None:
    await telpher_process.start("run", "--profile", str(tmp_path / "profiles"))
    await anna.ask("/hello", has_text("Anna"))
    await anna.ask("/files")
    assert await telpher_process.stop() == 0
    assert {path.name for path in (tmp_path / "profiles").iterdir()} == {"hello.prof", "files.prof"}
    functions = {name for _, _, name in pstats.Stats(str(tmp_path / "profiles" / "files.prof")).stats}  # type: ignore[attr-defined]
    assert "files" in functions


# ---- alerts


@pytest.fixture
async def store(tmp_path: Path):
    opened = open_store(tmp_path / "telpher.db")
    yield opened
    await opened.close()


class _Owners:
    def __init__(self) -> None:
        self.told: list[Alert] = []
        self.is_reachable = True

    async def tell(self, alert: Alert) -> bool:
        if self.is_reachable:
            self.told.append(alert)
        return self.is_reachable


async def test_an_alert_comes_once_until_it_was_well_again(store: Store) -> None:
    holds: list[Alert] = []

    async def check(told: frozenset[str]) -> list[Alert]:
        return list(holds)

    owners = _Owners()
    holds.append(Alert("disk", "alert.disk"))
    owners.is_reachable = False
    await Alerts(store, [check], owners.tell).look()
    owners.is_reachable = True
    for _ in range(3):
        # Each time another process, for all it knows.
        await Alerts(store, [check], owners.tell).look()
    assert len(owners.told) == 1, "told when somebody could be reached, and then no more"
    holds.clear()
    await Alerts(store, [check], owners.tell).look()
    holds.append(Alert("disk", "alert.disk"))
    await Alerts(store, [check], owners.tell).look()
    assert len(owners.told) == 2


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


async def test_the_disk_alert_does_not_hover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(100_000, 0, free[0]))
    check = alerts.disk_check(tmp_path, 1_000)
    free[0] = 5_100
    assert not await check(frozenset())
    free[0] = 4_900
    assert await check(frozenset())
    free[0] = 5_100
    assert await check(frozenset({"disk"})), "told of, and not yet clearly well"
    free[0] = 7_100
    assert not await check(frozenset({"disk"}))


async def test_an_account_that_wants_a_log_in(store: Store) -> None:
    rows = [("google:1", "error.login_required"), ("google:2", "error.drive_full")]
    for account, key in rows:
        values = {"account": account, "error_key": key, "since_ms": 1}
        await store.write(
            lambda connection, values=values: connection.execute(sa.insert(paused_accounts).values(values))
        )
    assert [alert.kind for alert in await alerts.account_check(store)(frozenset())] == ["login:google:1"]


@pytest.mark.parametrize(
    ("age_s", "state", "is_stuck"), [(60, "queued", False), (3600, "queued", True), (3600, "running", False)]
)
async def test_a_queue_that_stands_still(store: Store, age_s: int, state: str, is_stuck: bool) -> None:
    created_ms = int((time.time() - age_s) * 1000)
    insert = sa.text(
        "INSERT INTO jobs (key, kind, lane, person_id, payload, state, attempt, failures, created_ms) "
        "VALUES ('k', 'save_file', 'transfer', 1, '{}', :state, 1, 0, :created_ms)"
    )
    values = {"state": state, "created_ms": created_ms}
    await store.write(lambda connection: connection.execute(insert, values))
    assert bool(await alerts.queue_check(store)(frozenset())) is is_stuck


async def test_an_alert_reaches_the_owner_in_their_language(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.ask("/hello", has_text("Anna"))
    await telpher_running.app.store.write(
        lambda connection: connection.execute(
            sa.insert(paused_accounts).values(account="google:7", error_key="error.login_required", since_ms=1)
        )
    )
    await telpher_running.app.alerts.look()
    await anna.wait_for(has_text("new log-in", "google:7"))
    await telpher_running.restart()
    await telpher_running.app.alerts.look()
    await anna.ask("/hello", has_text("Anna"))
    assert sum("new log-in" in message.get("text", "") for message in anna.messages) == 1


async def test_a_certificate_that_nobody_can_be_asked_for_is_no_alert() -> None:
    async with asyncio.timeout(20):
        assert await alerts.certificate_check("https://127.0.0.1:9/")(frozenset()) == []
