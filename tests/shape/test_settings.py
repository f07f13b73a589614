"""Settings: what is read, what wins, and how a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from telpher import settings
from telpher.errors import SettingsInvalidError


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("TOKEN=from-file\nOWNER_IDS=1, 2\nSPOOL_LIMIT=2G\n")
    loaded = settings.load(env_file, {"TELEGRAM_TOKEN": "from-environment"})
    assert loaded.telegram_token == "from-environment"
    assert loaded.owner_ids == (1, 2)
    assert loaded.spool_limit == 2 << 30


def test_the_tutorials_name_of_the_token_works(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("TOKEN=123:abc\n")
    assert settings.load(env_file, {}).telegram_token == "123:abc"


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("OWNER_IDS", "me", "numbers separated by commas"),
        ("DRIVE", "dropbox", "folder or google"),
        ("TELEGRAM_API_URL", "localhost:8081", "http://"),
        ("WEB_PORT", "99999", "port number"),
        ("SPOOL_LIMIT", "much", "500M"),
        ("SPOOL_LIMIT", "nan", "500M"),
        ("TELEGRAM_LOCAL", "maybe", "yes or no"),
        ("TRANSFERS_TOTAL", "0", "from 1"),
        ("LOG_LEVEL", "LOUD", "DEBUG"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_should_be(name: str, value: str, hint: str) -> None:
    with pytest.raises(SettingsInvalidError) as caught:
        settings.load(None, {name: value})
    assert name in str(caught.value)
    assert value in str(caught.value)
    assert hint in str(caught.value)


def test_a_secret_shows_itself_nowhere() -> None:
    loaded = settings.load(None, {"TELEGRAM_TOKEN": "123456:very-secret", "WEBHOOK_SECRET": "hidden-word"})
    shown = repr(loaded)
    assert "very-secret" not in shown
    assert "hidden-word" not in shown


def test_a_secret_may_come_from_the_service_managers_credentials(tmp_path: Path) -> None:
    (tmp_path / "telegram_token").write_text("from-credentials\n")
    loaded = settings.load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path), "TELEGRAM_TOKEN": "from-environment"})
    assert loaded.telegram_token == "from-credentials"
