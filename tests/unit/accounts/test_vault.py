"""The vault: what is in it cannot be read without the key, and the key cannot be read by others."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet, MultiFernet

from telpher.accounts.keys import open_keys
from telpher.accounts.vault import HOUSE, AccountId, Vault
from telpher.cli import rotate_key
from telpher.errors import LoginRequiredError, SettingsInvalidError
from telpher.settings import Settings
from telpher.store import Store, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


@pytest.fixture
def vault(store: Store, tmp_path: Path) -> Vault:
    return Vault(store, open_keys(tmp_path, {}))


async def put(vault: Vault, secret: str = "very secret", subject: str = "anna@example.com", person_id: int = HOUSE):  # type: ignore[no-untyped-def]
    return await vault.put(person_id=person_id, drive="google", subject=subject, scopes=("a", "b"), secret=secret)


async def test_a_secret_comes_back_and_lies_encrypted(vault: Vault, store: Store, tmp_path: Path) -> None:
    account = await put(vault)
    assert (account.subject, account.scopes, account.person_id) == ("anna@example.com", ("a", "b"), HOUSE)
    secret = await vault.secret(account.id)
    assert secret == "very secret"
    assert "secret" not in repr(secret).lower().replace("secret(…)", "")
    assert "very secret" not in repr(account)
    await store.close()
    for file in tmp_path.iterdir():
        assert b"very secret" not in file.read_bytes()


async def test_connecting_again_replaces_the_secret(vault: Vault) -> None:
    first, second = await put(vault, "old"), await put(vault, "new")
    assert first.id == second.id
    assert first.created_at == second.created_at
    assert await vault.secret(first.id) == "new"


async def test_accounts_are_listed_for_their_person_alone(vault: Vault) -> None:
    await put(vault, subject="anna@example.com", person_id=1001)
    await put(vault, subject="boris@example.com", person_id=1002)
    assert [account.subject for account in await vault.list_for(1001)] == ["anna@example.com"]
    assert await vault.list_for(1001, "folder") == []
    assert await vault.list_for(1003) == []


async def test_what_is_removed_speaks_for_nobody(vault: Vault) -> None:
    account = await put(vault)
    await vault.remove(account.id)
    await vault.remove(account.id)
    await vault.replace_secret(account.id, "late")
    with pytest.raises(LoginRequiredError):
        await vault.secret(account.id)
    with pytest.raises(LoginRequiredError):
        await vault.secret(AccountId(12345))


async def test_a_lost_key_needs_a_new_login(vault: Vault, store: Store) -> None:
    account = await put(vault)
    with pytest.raises(LoginRequiredError):
        await Vault(store, MultiFernet([Fernet(Fernet.generate_key())])).secret(account.id)


async def test_keys_are_rotated(store: Store, tmp_path: Path) -> None:
    old_keys = open_keys(tmp_path, {})
    account = await put(Vault(store, old_keys))
    file = tmp_path / "vault.key"
    new_key = Fernet.generate_key().decode()
    file.write_text(f"{new_key}\n{file.read_text()}")
    vault = Vault(store, open_keys(tmp_path, {}))
    assert await vault.secret(account.id) == "very secret"
    assert await vault.rotate() == 1
    file.write_text(new_key)
    assert await Vault(store, open_keys(tmp_path, {})).secret(account.id) == "very secret"
    with pytest.raises(LoginRequiredError):
        await Vault(store, old_keys).secret(account.id)


def test_the_key_file_is_ours_alone(tmp_path: Path) -> None:
    token = open_keys(tmp_path / "data", {}).encrypt(b"x")
    file = tmp_path / "data" / "vault.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["vault.key"]
    assert open_keys(tmp_path / "data", {}).decrypt(token) == b"x"
    file.chmod(0o644)
    with pytest.raises(SettingsInvalidError, match="chmod 600"):
        open_keys(tmp_path / "data", {})


def test_the_service_managers_key_comes_first(tmp_path: Path) -> None:
    token = open_keys(tmp_path, {}).encrypt(b"before")
    directory = tmp_path / "credentials"
    directory.mkdir()
    key = Fernet.generate_key()
    (directory / "vault_key").write_bytes(key)
    keys = open_keys(tmp_path, {"CREDENTIALS_DIRECTORY": str(directory)})
    assert Fernet(key).decrypt(keys.encrypt(b"x")) == b"x"
    assert keys.decrypt(token) == b"before"


def test_a_damaged_key_is_told_without_showing_it(tmp_path: Path) -> None:
    file = tmp_path / "vault.key"
    file.write_text("not-a-key-but-close")
    file.chmod(0o600)
    with pytest.raises(SettingsInvalidError, match="damaged") as caught:
        open_keys(tmp_path, {})
    assert "not-a-key" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_the_command_rotates_and_forgets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_dir = tmp_path / "rotating"
    vault = Vault(open_store(data_dir / "telpher.db"), open_keys(data_dir))
    account = await vault.put(person_id=1, drive="google", subject="a@b.c", scopes=(), secret="precious")
    await vault._store.close()
    before = (data_dir / "vault.key").read_text()
    with (data_dir / "telpher.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert await asyncio.to_thread(rotate_key.run, argparse.Namespace(), Settings(data_dir=data_dir)) == 1
        assert "stop it first" in capsys.readouterr().err
    assert (data_dir / "vault.key").read_text() == before
    assert await asyncio.to_thread(rotate_key.run, argparse.Namespace(), Settings(data_dir=data_dir)) == 0
    assert capsys.readouterr().out == "Encrypted with the new key: 1.\n"
    after = (data_dir / "vault.key").read_text()
    assert len(after.split()) == 1
    assert after != before
    assert (data_dir / "vault.key").stat().st_mode & 0o077 == 0
    reopened = open_store(data_dir / "telpher.db")
    assert await Vault(reopened, open_keys(data_dir)).secret(account.id) == "precious"
    await reopened.close()
