#!/bin/sh
# Installs, upgrades or removes Telpher on Debian 12, Ubuntu 22.04 or 24.04 (and what descends from them), as root.
#
#   deploy/install.sh [--token-file FILE] [--owner ID[,ID…]] [--wheel FILE] [--no-start]
#   deploy/install.sh --uninstall [--purge]
#
# The token is asked for, or comes from --token-file or TELEGRAM_TOKEN (unattended). Run again, it upgrades in place: the new version
# is built beside the old one, the database is backed up, and the old version comes back when the new one is not healthy within 30 s.
# Settings stand in /etc/telpher/telpher.env, data in /var/lib/telpher; other places: TELPHER_PREFIX, TELPHER_CONFIG, TELPHER_DATA,
# TELPHER_UNIT, TELPHER_COMMAND. TELPHER_USER is who it runs as (telpher); without root it can only be you.
set -eu
umask 022

PREFIX=${TELPHER_PREFIX:-/opt/telpher}
CONFIG=${TELPHER_CONFIG:-/etc/telpher}
DATA=${TELPHER_DATA:-/var/lib/telpher}
UNIT=${TELPHER_UNIT:-/etc/systemd/system/telpher.service}
COMMAND=${TELPHER_COMMAND:-/usr/local/bin/telpher}
RUN_AS=${TELPHER_USER:-telpher}
HEALTH_TIMEOUT_S=${TELPHER_HEALTH_TIMEOUT_S:-30}
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${TELPHER_BUILD:-$SOURCE/deploy/build.sh}

say() { printf '%s\n' "$*"; }
fail() { printf 'telpher: %s\n' "$*" >&2; exit 1; }

wheel="" token_file="" owner="" start=yes uninstall=no purge=no
while [ $# -gt 0 ]; do
    case $1 in
    --wheel | --token-file | --owner) [ $# -ge 2 ] || fail "$1 wants a value (see --help)" ;;
    esac
    case $1 in
    --wheel) wheel=$2; shift ;;
    --token-file) token_file=$2; shift ;;
    --owner) owner=$2; shift ;;
    --no-start) start=no ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    --help | -h) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown option $1 (see --help)" ;;
    esac
    shift
done
if [ "$(id -u)" -ne 0 ] && [ "$RUN_AS" != "$(id -un)" ]; then
    fail "please run this as root, for instance with sudo"
fi

# ---- the service manager, and nothing else of it -----------------------------------------------------------------------------------

service_can_start() {
    case $(systemctl is-system-running 2>/dev/null || true) in
    "" | offline | unknown) return 1 ;;
    esac
}
service_is_known() { systemctl cat telpher.service >/dev/null 2>&1; }
service_start() { systemctl daemon-reload && systemctl enable --quiet telpher.service && systemctl restart --no-block telpher.service; }
service_stop() { if service_is_known; then systemctl stop telpher.service; fi; }
service_forget() {
    if service_is_known; then systemctl disable --quiet --now telpher.service; fi
    rm -f "$UNIT"
    if service_can_start; then systemctl daemon-reload; fi
}

# Whether the running service says it is ready, within $1 seconds.
service_is_healthy() {
    "$PREFIX/current/venv/bin/python" - "$CONFIG/telpher.env" "$1" <<'PYTHON'
import subprocess, sys, time, urllib.error, urllib.request
from dotenv import dotenv_values
settings, deadline = dotenv_values(sys.argv[1]), time.monotonic() + float(sys.argv[2])
host, port = settings.get("WEB_HOST") or "127.0.0.1", settings.get("WEB_PORT") or "8080"
if host in ("0.0.0.0", "::"):
    host = "127.0.0.1" if host == "0.0.0.0" else "::1"
host = f"[{host}]" if ":" in host else host
said = "it did not answer"
while time.monotonic() < deadline:
    # The unit is active once Telpher has said that it is ready (Type=notify).
    state = subprocess.run(["systemctl", "is-active", "telpher.service"], capture_output=True, text=True).stdout.strip()
    try:
        if state == "active":
            if port == "0":
                sys.exit(0)
            with urllib.request.urlopen(f"http://{host}:{port}/health/ready", timeout=2) as answer:
                sys.exit(answer.status != 200)
        said = f"the service is {state}"
    except urllib.error.HTTPError as error:
        said = error.read(300).decode(errors="replace").strip()
    except OSError as error:
        said = str(error)
    time.sleep(0.25)
print(f"Not healthy: {said}", file=sys.stderr)
sys.exit(1)
PYTHON
}

# ---- removing ----------------------------------------------------------------------------------------------------------------------

if [ "$uninstall" = yes ]; then
    service_forget
    rm -f "$COMMAND"
    rm -rf "${PREFIX:?}"
    if [ "$purge" = yes ]; then
        rm -rf "${DATA:?}" "${CONFIG:?}"
        if [ "$RUN_AS" = telpher ] && id telpher >/dev/null 2>&1; then userdel telpher; fi
        say "Telpher is removed, with all its data."
    else
        say "Telpher is removed. Its data stays in $DATA and its settings in $CONFIG (--uninstall --purge removes them too)."
    fi
    exit 0
fi

# ---- what it needs -----------------------------------------------------------------------------------------------------------------

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v "$candidate"; return; fi
    done
    return 1
}

apt_install() {
    say "Installing $* …"
    DEBIAN_FRONTEND=noninteractive apt-get -qq update >/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install $*; nothing else was changed"
}

install_packages() {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    set --
    "$python" -c 'import ensurepip, venv' 2>/dev/null || set -- "python$version-venv"
    if [ -z "$wheel" ]; then # a checkout is compiled here
        command -v cc >/dev/null 2>&1 || set -- "$@" gcc libc6-dev
        "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
            set -- "$@" "python$version-dev"
        [ -e /usr/include/gmp.h ] || ls /usr/include/*/gmp.h >/dev/null 2>&1 || set -- "$@" libgmp-dev
    fi
    [ $# -eq 0 ] || apt_install "$@"
}

# ---- settings ----------------------------------------------------------------------------------------------------------------------

write_settings() {
    install -d -m 0750 "$CONFIG"
    if [ -n "$token_file" ] || [ ! -s "$CONFIG/telegram_token" ]; then
        token=${TELEGRAM_TOKEN:-}
        if [ -n "$token_file" ]; then
            token=$(tr -d '[:space:]' <"$token_file") || fail "$token_file cannot be read"
        fi
        if [ -z "$token" ] && [ -t 0 ]; then
            trap 'stty echo' EXIT
            stty -echo
            printf 'Your bot'\''s token from @BotFather: '
            read -r token
            stty echo
            trap - EXIT
            say ""
        fi
        [ -n "$token" ] || fail "no token: name a file with --token-file, or set TELEGRAM_TOKEN"
        (umask 077 && printf '%s\n' "$token" >"$CONFIG/telegram_token.new")
        mv "$CONFIG/telegram_token.new" "$CONFIG/telegram_token"
    fi
    if [ ! -e "$CONFIG/telpher.env" ]; then
        (umask 077 && printf '%s\n' \
            '# Settings of Telpher, explained in docs/reference.md. The token stands in the file telegram_token beside this one.' \
            >"$CONFIG/telpher.env")
    fi
    if [ -n "$owner" ]; then
        (umask 077 && { grep -v '^OWNER_IDS=' "$CONFIG/telpher.env" || true; printf 'OWNER_IDS=%s\n' "$owner"; } >"$CONFIG/telpher.env.new")
        mv "$CONFIG/telpher.env.new" "$CONFIG/telpher.env"
    fi
}

# ---- a release: everything of one version ------------------------------------------------------------------------------------------

build_release() {
    release=$PREFIX/releases/$(date -u +%Y%m%dT%H%M%S)-$$
    say "Making $release …"
    install -d -m 0755 "$release/share"
    "$BUILD" "$python" "$release/venv" "$wheel" || { rm -rf "$release"; fail "the new version could not be built; nothing was changed"; }
    cp "$SOURCE/README.md" "$SOURCE/LICENSE" "$release/share/"
    filled_in <"$SOURCE/deploy/telpher.service" >"$release/share/telpher.service"
    {
        printf '#!%s\n' "$PREFIX/current/venv/bin/python"
        filled_in <"$SOURCE/deploy/telpher_command.py"
    } >"$release/share/telpher"
    chmod 0755 "$release/share/telpher"
}

filled_in() {
    sed -e "s|/opt/telpher|$PREFIX|g" -e "s|/etc/telpher|$CONFIG|g" -e "s|/var/lib/telpher|$DATA|g" \
        -e "s|^User=telpher|User=$RUN_AS|" -e "s|^Group=telpher|Group=$(id -gn "$RUN_AS")|" -e "s|^USER = .*|USER = \"$RUN_AS\"|"
}

# Make $1 the version that is used, at one stroke.
use_release() {
    ln -sfn "$1" "$PREFIX/current.new" && mv -T "$PREFIX/current.new" "$PREFIX/current" &&
        install -D -m 0644 "$1/share/telpher.service" "$UNIT" && install -D -m 0755 "$1/share/telpher" "$COMMAND"
}

# ---- the database ------------------------------------------------------------------------------------------------------------------

# Each is run by the release's own Python, with the rights of whom the database belongs to kept.
back_up_database() {
    "$release/venv/bin/python" - "$DATA/telpher.db" "$backup" <<'PYTHON'
import contextlib, os, shutil, sqlite3, sys
source, target = sys.argv[1:]
os.umask(0o077)
with contextlib.closing(sqlite3.connect(source)) as original, contextlib.closing(sqlite3.connect(target)) as copy:
    original.backup(copy)
    assert copy.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok", "the database is damaged"
owner = os.stat(source)
for path in (source, target, source + "-wal", source + "-shm"):
    if os.path.exists(path):
        os.chown(path, owner.st_uid, owner.st_gid)
PYTHON
}

# Undo a migration, and nothing else: a database that the new version left as it was also holds what was accepted meanwhile, and stays.
# Where it was migrated, updates that were accepted and not yet handled are carried over, and what was migrated is kept aside.
undo_migration() {
    "$release/venv/bin/python" - "$DATA/telpher.db" "$backup" "$DATA/telpher.db.failed-$(basename "$release")" <<'PYTHON'
import contextlib, os, shutil, sqlite3, sys
database, backup, aside = sys.argv[1:]

def revision(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.Error:
            return None

def columns(connection, schema):
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info(inbox)")]

if revision(database) == revision(backup):
    sys.exit()
owner = os.stat(backup)
draft = database + ".restored"
shutil.copyfile(backup, draft)
with contextlib.closing(sqlite3.connect(database)) as connection:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
with contextlib.closing(sqlite3.connect(draft)) as connection:
    connection.execute("ATTACH ? AS migrated", (database,))
    both = set(columns(connection, "migrated"))
    names = ", ".join(name for name in columns(connection, "main") if name in both)
    if names:
        with contextlib.suppress(sqlite3.Error):  # a column that changed its meaning: then they stay in the file aside
            connection.execute(f"INSERT OR IGNORE INTO main.inbox ({names}) SELECT {names} FROM migrated.inbox WHERE state = 'new'")
            connection.commit()
for suffix in ("-wal", "-shm"):
    for path in (database + suffix, draft + suffix):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
os.rename(database, aside)
os.chmod(draft, 0o600)
os.chown(draft, owner.st_uid, owner.st_gid)
os.rename(draft, database)
print(f"The database is as it was before the new version changed it; that one's is kept in {aside}.")
PYTHON
}

# ---- from one version to the next --------------------------------------------------------------------------------------------------

switch_over() {
    service_stop || return 1
    if [ -n "$before" ] && grep -q '^DATABASE_URL=.' "$CONFIG/telpher.env"; then
        # By the version that wrote it: on a server there is no file to copy.
        TELPHER_RELEASE=$before "$before/venv/bin/python" "$before/share/telpher" backup "$DATA/telpher.db.before-$(basename "$release").tar.gz" ||
            { say "The database could not be backed up."; return 1; }
    elif [ -f "$DATA/telpher.db" ]; then
        backup=$DATA/telpher.db.before-$(basename "$release")
        back_up_database || { rm -f "$backup"; backup=""; say "The database could not be backed up."; return 1; }
    fi
    use_release "$release" || return 1
    service_start || return 1
    service_is_healthy "$HEALTH_TIMEOUT_S"
}

go_back() {
    trap - INT TERM HUP
    service_stop || true
    if [ -z "$before" ] || [ ! -d "$before" ]; then
        fail "it did not become healthy. See  journalctl -u telpher -n 100  and  telpher doctor; then  systemctl start telpher"
    fi
    say "Going back to the version before …"
    if [ -f "$DATA/telpher.db.before-$(basename "$release").tar.gz" ]; then
        say "If it had changed the database on the server:  telpher restore $DATA/telpher.db.before-$(basename "$release").tar.gz --overwrite"
    fi
    if [ -n "$backup" ]; then undo_migration || say "The database could not be restored: its backup is $backup"; fi
    use_release "$before"
    service_start
    if service_is_healthy 60; then was="the version before runs again"; else was="the version before is not healthy either: telpher doctor"; fi
    rm -rf "$release"
    fail "the new version did not become healthy; $was. Its log: journalctl -u telpher -n 100"
}

python=$(find_python) || { apt_install python3.11 python3.11-venv && python=$(find_python); } || fail "Telpher needs Python 3.11 or newer"
install_packages
if ! id "$RUN_AS" >/dev/null 2>&1; then
    useradd --system --user-group --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin "$RUN_AS"
fi
if [ "$(id -u)" -eq 0 ]; then
    install -d -m 0700 -o "$RUN_AS" -g "$(id -gn "$RUN_AS")" "$DATA"
else
    install -d -m 0700 "$DATA"
fi
write_settings
build_release
TELPHER_RELEASE=$release "$release/venv/bin/python" "$release/share/telpher" doctor || say "(Above, telpher doctor says what is not right yet.)"

before=$(readlink "$PREFIX/current" 2>/dev/null || true)
backup=""
if [ "$start" = no ] || ! service_can_start; then
    use_release "$release"
    say "Installed. systemd does not run here, or --no-start was given; to start it:  systemctl enable --now telpher"
    exit 0
fi
trap go_back INT TERM HUP
if ! switch_over; then go_back; fi
trap - INT TERM HUP
say "Telpher runs. Its log:  journalctl -u telpher -f"
# The two newest releases and backups stay.
find "$PREFIX/releases" -mindepth 1 -maxdepth 1 -type d | sort -r | tail -n +3 | xargs -r rm -rf
find "$DATA" -maxdepth 1 -name 'telpher.db.before-*' | sort -r | tail -n +3 | xargs -r rm -f
