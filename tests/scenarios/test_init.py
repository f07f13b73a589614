"""The wizard: each answer is checked at once, and `.env` ends complete and private."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.driver import Person

from telpher import settings as settings_module
from telpher.cli import init
from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import Settings


def _answering(*answers: str) -> Callable[[str], str]:
    left = iter(answers)
    return lambda _question: next(left)


async def test_from_nothing_to_a_file_that_works(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = Settings(telegram_api_url=sandbox.url, data_dir=tmp_path / "data")
    said: list[str] = []
    async with Person(sandbox.url, OWNER_ID) as anna:
        await anna.send_text("/start")
        answers = await init.ask_all(
            settings,
            ask=_answering(
                "nonsense", "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", sandbox.token, "", "yes", "cloud", ""
            ),
            say=said.append,
        )
    assert answers == {"TELEGRAM_TOKEN": sandbox.token, "OWNER_IDS": str(OWNER_ID), "DRIVE": "folder"}
    assert any("not a token" in line for line in said)
    assert any("does not know this token" in line for line in said)
    env_file = tmp_path / ".env"
    init.write_env(env_file, answers)
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    loaded = settings_module.load(env_file, {})
    assert loaded.telegram_token == sandbox.token
    assert loaded.owner_ids == (OWNER_ID,)


async def test_a_message_that_told_the_id_is_not_lost(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = Settings(telegram_api_url=sandbox.url, data_dir=tmp_path / "data")
    async with Person(sandbox.url, OWNER_ID) as anna:
        await anna.send_text("/hello")
        for _ in range(2):
            assert await init._first_to_write(settings, sandbox.token) == ("Anna", OWNER_ID)


def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("# mine\nLOG_LEVEL=DEBUG\nOWNER_IDS=1\n")
    init.write_env(env_file, {"OWNER_IDS": "2", "GOOGLE_CREDENTIALS_FILE": "/home/a person/credentials.json"})
    assert env_file.read_text().splitlines()[:3] == ["# mine", "LOG_LEVEL=DEBUG", "OWNER_IDS=2"]
    loaded = settings_module.load(env_file, {})
    assert loaded.google_credentials_file == Path("/home/a person/credentials.json")


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ({"installed": {"client_id": "a", "client_secret": "b"}}, ""),
        ({"web": {"client_id": "a"}}, "Web application"),
        ({"type": "service_account"}, "service account"),
        ({}, "holds no client"),
        ([], "holds no client"),
    ],
)
def test_the_wrong_kind_of_client_is_told_apart(content: object, trouble: str, tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps(content))
    told = init.check_credentials(path)
    assert (trouble in told) if trouble else (told == "")


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    assert "cannot be read" in init.check_credentials(tmp_path / "none.json")
