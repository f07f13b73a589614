"""The real `deploy/install.sh`, in folders of a test's own, with a small service manager instead of systemd."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import getpass
import os
import pty
import socket
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.driver import Person, has_text
from tests.scenarios import small_systemd

from telpher.sandbox.service import OWNER_ID, Sandbox

ROOT = Path(__file__).parents[2]
_SCRIPT_LIMIT_S = 60.0

# Stands in for deploy/build.sh, which takes minutes: an environment whose Python is the tests' own, and a `telpher` that is as broken
# as the test wants. A real build differs in nothing that install.sh sees.
_BUILD = """#!/bin/sh
set -eu
[ "${BREAK:-}" != build ]
mkdir -p "$2/bin"
printf '#!/bin/sh\\nexec %s "$@"\\n' '{python}' >"$2/bin/python"
printf '#!/bin/sh\\n%s\\nexec %s -m telpher.cli "$@"\\n' "${DEED:-}" '{python}' >"$2/bin/telpher"
chmod +x "$2/bin/python" "$2/bin/telpher"
"""

# A new version that accepts an update, perhaps after a migration, and never gets any further.
_HANGS = """case " $* " in *" run "*) exec {python} - <<'PYTHON'
import json, sqlite3, time
with sqlite3.connect("telpher.db") as database:
    database.executescript('''{migration}''')
    sent = {"message_id": 990, "date": 1, "text": "/whoami", "entities": [{"type": "bot_command", "offset": 0, "length": 7}]}
    anna = {"id": {owner}, "is_bot": False, "first_name": "Anna", "language_code": "en"}
    body = {"update_id": 900100, "message": sent | {"chat": {"id": {owner}, "type": "private"}, "from": anna}}
    database.execute(
        "INSERT INTO inbox (bot_id, update_id, body, state, replays, lone_starts, received_ms) VALUES (?, ?, ?, 'new', 0, 0, ?)",
        ({bot}, 900100, json.dumps(body), time.time_ns() // 1_000_000),
    )
time.sleep(600)
PYTHON
;; esac"""

_MIGRATION = "CREATE TABLE novelty (id INTEGER PRIMARY KEY); UPDATE alembic_version SET version_num = '9999';"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclasses.dataclass
class Server:
    """A machine that Telpher is installed on, as far as the script can tell."""

    root: Path
    sandbox: Sandbox
    web_port: int

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def unit(self) -> Path:
        return self.root / "units" / "telpher.service"

    @property
    def command(self) -> Path:
        return self.root / "bin" / "telpher"

    @property
    def releases(self) -> list[Path]:
        return sorted((self.root / "prefix" / "releases").iterdir())

    @property
    def current(self) -> Path:
        return (self.root / "prefix" / "current").readlink()

    def _fill(self, text: str, **words: object) -> str:
        for name, value in ({"python": sys.executable, "owner": OWNER_ID} | words).items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    async def run(self, *words: str | Path, **environment: str) -> tuple[int, str]:
        """A command with the paths of this machine; its exit code and what it printed."""
        process = await self.begin(*words, stdin=asyncio.subprocess.DEVNULL, **environment)
        try:
            async with asyncio.timeout(_SCRIPT_LIMIT_S):
                printed, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode is not None
        return process.returncode, printed.decode()

    async def begin(self, *words: str | Path, stdin: int, **environment: str) -> asyncio.subprocess.Process:
        """The same, still running."""
        build = self.root / "build.sh"
        build.write_text(self._fill(_BUILD))
        build.chmod(0o755)
        return await asyncio.create_subprocess_exec(
            *map(str, words),
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.root,
            env={
                "PATH": f"{self.root / 'manager'}:{os.environ['PATH']}",
                "PYTHON": sys.executable,
                "TELPHER_PREFIX": str(self.root / "prefix"),
                "TELPHER_CONFIG": str(self.config),
                "TELPHER_DATA": str(self.data),
                "TELPHER_UNIT": str(self.unit),
                "TELPHER_COMMAND": str(self.command),
                "TELPHER_USER": getpass.getuser(),
                "TELPHER_BUILD": str(build),
                **environment,
            },
        )

    async def install(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run the real script."""
        # With a wheel, nothing has to be there to compile with.
        wheel = ("--wheel", "telpher.whl") if "--uninstall" not in words else ()
        return await self.run("sh", ROOT / "deploy" / "install.sh", *words, *wheel, **environment)

    async def install_broken(self, *, migration: str = "") -> tuple[int, str]:
        """Upgrade to a version that never gets healthy."""
        bot_id = self.sandbox.token.partition(":")[0]
        deed = self._fill(_HANGS, migration=migration, bot=bot_id)
        return await self.install(DEED=deed, TELPHER_HEALTH_TIMEOUT_S="2")

    async def is_ready(self) -> bool:
        """What the service says of itself."""
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(f"http://127.0.0.1:{self.web_port}/health/ready") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

    def revision(self) -> str:
        """Which migration the database is at."""
        with sqlite3.connect(self.data / "telpher.db") as database:
            return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.fixture
async def server(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Server]:
    """Nothing is installed yet; the settings say where Telegram is, since that is not the real one."""
    made = Server(tmp_path, sandbox, _free_port())
    small_systemd.install(tmp_path / "manager", made.unit)
    made.config.mkdir()
    settings = f"TELEGRAM_API_URL={sandbox.url}\nWEB_PORT={made.web_port}\nCOMPUTE_WORKERS=2\n"
    (made.config / "telpher.env").write_text(settings)
    (tmp_path / "token").write_text(f"{sandbox.token}\n")
    yield made
    if made.unit.exists():
        await made.run("systemctl", "stop", "telpher.service")


async def _installed(server: Server) -> None:
    code, printed = await server.install("--token-file", "token", "--owner", str(OWNER_ID))
    assert code == 0, printed


async def test_install_upgrade_and_remove(server: Server, anna: Person) -> None:
    code, printed = await server.install("--token-file", "token", "--owner", str(OWNER_ID))
    assert code == 0, printed
    assert "Telegram knows this bot" in printed, "doctor was run"
    assert "Telpher runs" in printed
    assert server.sandbox.token not in printed
    assert await server.is_ready()
    await anna.ask("/hello", has_text("Anna"))

    # Secrets stand in one file that only its owner may read, and reach the service as a credential.
    assert stat.S_IMODE((server.config / "telegram_token").stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert server.sandbox.token not in server.unit.read_text() + (server.config / "telpher.env").read_text()
    assert f"OWNER_IDS={OWNER_ID}" in (server.config / "telpher.env").read_text()

    # The command works as the service does, from any folder, with nothing set.
    code, printed = await server.run(server.command, "doctor")
    assert code == 0, printed
    assert str(server.data) in printed

    # A version that cannot be built changes nothing.
    before = server.current
    code, printed = await server.install(BREAK="build")
    assert code != 0
    assert "nothing was changed" in printed
    assert server.releases == [before]
    assert await server.is_ready()

    # Again, with nothing said: an upgrade in place.
    code, printed = await server.install()
    assert code == 0, printed
    assert await server.is_ready()
    await anna.ask("/hello", has_text("Anna"))
    assert server.releases == [before, server.current]
    assert len(list(server.data.glob("telpher.db.before-*"))) == 1

    code, printed = await server.install("--uninstall")
    assert code == 0, printed
    assert not await server.is_ready()
    assert not server.unit.exists()
    assert not server.command.exists()
    assert (server.data / "telpher.db").exists()
    assert (server.config / "telegram_token").exists()
    code, printed = await server.install("--uninstall", "--purge")
    assert code == 0, printed
    assert not server.data.exists()
    assert not server.config.exists()


@pytest.mark.parametrize("migration", ["", _MIGRATION], ids=["without a migration", "after a migration"])
async def test_a_version_that_is_not_healthy_gives_way_to_the_one_before(
    server: Server, anna: Person, migration: str
) -> None:
    await _installed(server)
    await anna.ask("/hello", has_text("Anna"))
    before = server.current
    revision = server.revision()

    code, printed = await server.install_broken(migration=migration)

    assert code != 0
    assert "the version before runs again" in printed
    assert server.current == before
    assert server.releases == [before]
    assert server.revision() == revision
    assert await server.is_ready()
    # What the broken version accepted is answered by the one that took over again.
    await anna.wait_for(has_text(str(OWNER_ID), "owner"))
    aside = list(server.data.glob("telpher.db.failed-*"))
    assert len(aside) == (1 if migration else 0), "a database that was not migrated is not touched"


def _without_systemd(server: Server) -> None:
    (server.root / "manager" / "systemctl").write_text("#!/bin/sh\necho offline\nexit 1\n")


async def test_at_a_terminal_it_asks_for_the_token_and_does_not_show_it(server: Server) -> None:
    _without_systemd(server)
    person, terminal = pty.openpty()
    process = await server.begin("sh", ROOT / "deploy" / "install.sh", "--wheel", "telpher.whl", stdin=terminal)
    assert process.stdout is not None
    async with asyncio.timeout(_SCRIPT_LIMIT_S):
        await process.stdout.readuntil(b"@BotFather: ")
        os.write(person, f"{server.sandbox.token}\n".encode())
        printed = (await process.stdout.read()).decode()
        assert await process.wait() == 0, printed
    os.close(terminal)
    os.set_blocking(person, False)
    shown = b""
    with contextlib.suppress(OSError):
        shown = os.read(person, 4096)
    os.close(person)
    assert server.sandbox.token not in printed + shown.decode()
    assert (server.config / "telegram_token").read_text().strip() == server.sandbox.token


async def test_without_systemd_it_only_installs(server: Server) -> None:
    _without_systemd(server)
    code, printed = await server.install("--token-file", "token")
    assert code == 0, printed
    assert "systemctl enable --now telpher" in printed
    assert server.unit.exists()
    assert not await server.is_ready()
    code, printed = await server.install("--uninstall", "--purge")
    assert code == 0, printed


async def test_without_a_token_it_says_where_to_put_one(server: Server) -> None:
    code, printed = await server.install()
    assert code != 0
    assert "--token-file" in printed
    assert not (server.root / "prefix").exists()
