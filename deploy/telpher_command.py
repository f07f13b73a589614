"""The `telpher` command on a server: runs Telpher's command line as the service runs it, with its user, settings and secrets.

install.sh puts it where commands are found, with the lines PREFIX, CONFIG, DATA and USER filled in. `systemd` gives the service the same.
"""

import os
import sys
from pathlib import Path

PREFIX = Path("/opt/telpher")
CONFIG = Path("/etc/telpher")
DATA = Path("/var/lib/telpher")
USER = "telpher"


def main() -> None:
    """Become the service's user and run the command; never returns."""
    import pwd  # noqa: PLC0415

    account = pwd.getpwnam(USER)
    if os.getuid() not in {0, account.pw_uid}:
        sys.exit(f"telpher: please run this as root: sudo telpher {' '.join(sys.argv[1:])}")
    # Another release's, while install.sh tries it.
    release = Path(os.environ.get("TELPHER_RELEASE", PREFIX / "current"))
    environment = {name: os.environ[name] for name in ("LANG", "TERM", "PATH", "TZ") if name in os.environ}
    environment |= settings(release) | {"DATA_DIR": str(DATA), "HOME": str(DATA)}
    if os.getuid() == 0 and account.pw_uid != 0:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    os.umask(0o077)
    command = str(release / "venv/bin/telpher")
    # No .env of the folder that we happen to be in.
    os.execve(command, [command, "--env-file", "/dev/null", *sys.argv[1:]], environment)  # noqa: S606


def settings(release: Path) -> dict[str, str]:
    """What stands in telpher.env and in the files of secrets beside it."""
    sys.path[:0] = map(str, release.glob("venv/lib/python3*/site-packages"))
    from dotenv import dotenv_values  # noqa: PLC0415 - Telpher's own

    read = {name: value for name, value in dotenv_values(CONFIG / "telpher.env").items() if value}
    for name in ("telegram_token", "webhook_secret"):
        if (CONFIG / name).is_file():
            read[name.upper()] = (CONFIG / name).read_text().strip()
    return read


if __name__ == "__main__":
    main()
