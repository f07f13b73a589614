"""Every setting of Telpher: typed, documented under its field, loaded once from the environment and `.env`.

The environment wins over `.env`. A wrong or missing setting raises `SettingsInvalidError`, which names the setting and says what to
write instead. Only `app.py` and the command line load settings; everything else is handed what it needs.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

from telpher.errors import SettingsInvalidError

GIB = 1 << 30


class DriveKind(enum.StrEnum):
    """Which drive files land in."""

    FOLDER = "folder"
    GOOGLE = "google"


class Secret(str):
    """A string that never shows itself: not in a repr, a log line or a traceback's locals."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)" if self else "Secret()"


def _text(raw: str) -> str:
    return raw


def _secret(raw: str) -> Secret:
    return Secret(raw)


def _database(raw: str) -> Secret:
    if raw and not raw.startswith(("postgresql://", "postgres://")):
        raise ValueError("an address such as postgresql://telpher:password@host/telpher, or empty")
    return Secret(raw)


_SECRETS = (_secret, _database)
"""What reads that which is never shown, and may come as a file of its own."""


def secrets_in(address: str) -> list[str]:
    """What must not be shown of an address with a password: as it is written there, and what it means."""
    password = urlsplit(address).password or ""
    return [address, password, unquote(password)]


def _ids(raw: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in raw.replace(";", ",").replace(" ", ",").split(",") if part)
    except ValueError:
        raise ValueError(
            "numbers separated by commas, such as 123456789,987654321 (the bot's /whoami tells yours)"
        ) from None


def _flag(raw: str) -> bool:
    word = raw.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"", "0", "false", "no", "off"}:
        return False
    raise ValueError("yes or no")


def _path(raw: str) -> Path:
    return Path(raw).expanduser()


def _optional_path(raw: str) -> Path | None:
    return Path(raw).expanduser() if raw else None


def _url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("an address that begins with http:// or https://")
    return raw.rstrip("/")


def _optional_url(raw: str) -> str:
    return _url(raw) if raw else ""


def _drive(raw: str) -> DriveKind:
    try:
        return DriveKind(raw.strip().lower())
    except ValueError:
        raise ValueError("folder or google") from None


def _port(raw: str) -> int:
    if raw.isdigit() and 0 <= int(raw) <= 65535:
        return int(raw)
    raise ValueError("a port number from 0 to 65535 (0: any free one)")


def _count(raw: str) -> int:
    if raw.isdigit() and int(raw) >= 1:
        return int(raw)
    raise ValueError("a whole number from 1 upwards")


def _number(raw: str) -> int:
    if raw.isdigit():
        return int(raw)
    raise ValueError("a whole number, or 0 for no limit")


def _size(raw: str) -> int:
    units = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": GIB, "T": 1 << 40}
    text = raw.strip().upper().removesuffix("IB").removesuffix("B")
    number, unit = (text[:-1], text[-1]) if text[-1:] in units and text[-1:] else (text, "")
    try:
        size = int(float(number) * units[unit])
    except (ValueError, OverflowError):
        size = -1
    if size < 0:
        raise ValueError("a size such as 500M or 2G")
    return size


def _setting(default: str, read: Callable[[str], Any], *names: str, shown_default: str | None = None) -> Any:
    """A field read from the first of `names` (its own name in capitals by default) that is set and not empty.

    `shown_default` is what the documentation says where the default depends on the machine.
    """
    metadata = {"default": default, "read": read, "names": names}
    if shown_default is not None:
        metadata["shown_default"] = shown_default
    return dataclasses.field(default_factory=lambda: read(default), metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator may set. The string under a field is its documentation; `.env.example` is held to it by a test."""

    telegram_token: Secret = _setting("", _secret, "TELEGRAM_TOKEN", "TOKEN")
    """The bot's token from BotFather (`TOKEN` works too). Without one, `telpher run` starts the sandbox and serves it."""

    owner_ids: tuple[int, ...] = _setting("", _ids)
    """Telegram ids of the people who own this bot, separated by commas. Nobody else is served until an owner lets them in."""

    telegram_api_url: str = _setting("https://api.telegram.org", _url)
    """Root of the Bot API server: `/bot<token>/<method>` and `/file/bot<token>/<path>` lie below it."""

    telegram_local: bool = _setting("no", _flag)
    """The Bot API server runs with `--local`: no size limits, and a file path that exists on this machine is read in place."""

    drive: DriveKind = _setting("folder", _drive)
    """Where the first owner's files land: `folder` (DATA_DIR/drive) or `google` (Google Drive). With `folder` everybody else has a
    folder of their own (DATA_DIR/drives); with `google` they connect a drive of their own with /connect."""

    data_dir: Path = _setting("data", _path)
    """Everything that Telpher keeps: the database, the spool, the folder drive, encrypted tokens."""

    database_url: Secret = _setting("", _database)
    """A PostgreSQL database (13 or newer) instead of the file in DATA_DIR: `postgresql://user:password@host/database`."""

    google_credentials_file: Path | None = _setting("", _optional_path)
    """The OAuth client downloaded from Google's console (`credentials.json`), for /connect and `telpher connect google`."""

    google_whole_drive_credentials_file: Path | None = _setting("", _optional_path)
    """A second client, of the type Desktop app (or Web application, leading to WEBHOOK_URL/oauth/google), for those who let Telpher see
    their whole drive; empty: the first one."""

    google_token_file: Path | None = _setting("", _optional_path)
    """An authorized-user JSON as Google's own quickstart writes it (`token.json`), instead of `telpher connect google`."""

    google_api_url: str = _setting("https://www.googleapis.com", _url)
    """Root of `/drive/v3` and `/upload/drive/v3`."""

    google_oauth_url: str = _setting("https://oauth2.googleapis.com", _url)
    """Root of `/token`, `/device/code` and `/revoke`."""

    google_login_url: str = _setting("https://accounts.google.com", _url)
    """Root of `/o/oauth2/v2/auth`, the page on which people allow access to their whole drive."""

    google_folder_id: str = _setting("", _text)
    """Id of the Drive folder that new files go to; empty for a folder named Telpher, made at the first file."""

    webhook_url: str = _setting("", _optional_url)
    """Public https address of this bot. When set, Telegram delivers updates to it; when empty, the bot polls."""

    webhook_secret: Secret = _setting("", _secret)
    """Secret that Telegram repeats in each webhook call; empty: derived from the token."""

    web_host: str = _setting("127.0.0.1", _text)
    """Address on which the webhook, health and metrics endpoints listen."""

    web_port: int = _setting("8080", _port)
    """Port on which they listen; 0 takes any free one."""

    transfers_total: int = _setting("8", _count)
    """How many files are carried at the same time."""

    transfers_per_person: int = _setting("3", _count)
    """How many of them may belong to one person."""

    limit_queue: int = _setting("300", _number)
    """How many files and computations of one member or guest may wait or run at a time; 0: any number. Owners have no limits."""

    limit_day_bytes: int = _setting("20G", _size)
    """How much one member or guest may carry in a day, such as 500M or 20G; 0: any amount."""

    limit_day_cpu_s: int = _setting("3600", _number)
    """How many seconds of computing, all cores together, one member or guest may use in a day; 0: any number."""

    flood_burst: int = _setting("300", _count)
    """How many messages and button presses of one member or guest are taken at once; what is beyond is answered once and dropped."""

    flood_per_minute: int = _setting("120", _count)
    """How many more of them are taken in each minute."""

    spool_limit: int = _setting("10G", _size)
    """How much disk the spool may use at most, such as 500M or 10G."""

    disk_headroom: int = _setting("500M", _size)
    """How much of the disk always stays free."""

    compute_workers: int = _setting(str(os.cpu_count() or 1), _count, shown_default="")
    """How many threads or processes one computation may use; the number of cores by default."""

    docs_url: str = _setting("", _optional_url)
    """Where this version's `docs/` can be read on the web; the bot links there. Empty: it shows the page in the chat."""

    log_level: str = _setting("INFO", lambda raw: _choice(raw.upper(), "DEBUG", "INFO", "WARNING", "ERROR"))
    """How much is logged: DEBUG, INFO, WARNING or ERROR."""

    log_format: str = _setting("auto", lambda raw: _choice(raw.lower(), "auto", "text", "json"))
    """`text` for people, `json` for machines; `auto` is text in a terminal and json under systemd."""

    sandbox_host: str = _setting("127.0.0.1", _text)
    """Address of the sandbox that `telpher run` starts when there is no token: a loopback address."""

    sandbox_port: int = _setting("8090", _port)
    """Port of that sandbox's chat page; 0 takes any free one."""

    def database_of(self, state_dir: Path) -> Path | Secret:
        """What `store.open_store` opens for the Telpher whose state is there. The sandbox's has a file of its own always."""
        if self.database_url and state_dir == self.data_dir:
            return self.database_url
        return state_dir / "telpher.db"


def _choice(raw: str, *words: str) -> str:
    if raw in words:
        return raw
    raise ValueError(" or ".join(words))


def names_of(field: dataclasses.Field[Any]) -> tuple[str, ...]:
    """The environment variables that set `field`, the preferred one first."""
    return field.metadata["names"] or (field.name.upper(),)


def _credentials(directory: Path) -> dict[str, str]:
    """The secrets that the service manager hands over as files, by the name of their setting."""
    secrets = [field for field in dataclasses.fields(Settings) if field.metadata["read"] in _SECRETS]
    files = {names_of(field)[0]: directory / field.name for field in secrets}
    return {name: file.read_text().strip() for name, file in files.items() if file.is_file()}


def load(env_file: Path | None = Path(".env"), environ: Mapping[str, str] | None = None) -> Settings:
    """Read all settings from `environ` (the process's own by default) and, below it, from `env_file` where it exists.

    Secrets may also come as files named `telegram_token`, … in the service manager's `CREDENTIALS_DIRECTORY`
    (https://systemd.io/CREDENTIALS/), so that they stand in no environment; these win.

    Raises SettingsInvalidError naming the setting, what it holds (never for a secret) and what it should.
    """
    written = {name: value for name, value in dotenv_values(env_file).items() if value} if env_file else {}
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {**written, **{name: value for name, value in environ.items() if value}}
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        values.update(_credentials(Path(directory)))
    read: dict[str, Any] = {}
    for field in dataclasses.fields(Settings):
        name = next((name for name in names_of(field) if values.get(name, "").strip()), None)
        if name is None:
            continue
        raw = values[name].strip()
        try:
            read[field.name] = field.metadata["read"](raw)
        except ValueError as error:
            shown = "the value given" if field.metadata["read"] in _SECRETS else repr(raw)
            raise SettingsInvalidError(f"{name} is {shown}; it should be {error}") from None
    return Settings(**read)
