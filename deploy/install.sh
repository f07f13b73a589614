#!/bin/sh
# Installs, upgrades or removes Telpher on Debian 12, Ubuntu 22.04 (with Python 3.11) or Ubuntu 24.04, as root.
#
#   deploy/install.sh [--token-file FILE] [--owner ID[,ID…]] [--wheel FILE] [--no-start]
#   deploy/install.sh --uninstall [--purge]
#
# The token is asked for, or comes from --token-file or TELEGRAM_TOKEN (unattended). Run again, it upgrades in place: the database is
# backed up first, and the version before comes back when the new one is not healthy within 30 s.
set -eu

PREFIX=${TELPHER_PREFIX:-/opt/telpher}
CONFIG=${TELPHER_CONFIG:-/etc/telpher}
DATA=${TELPHER_DATA:-/var/lib/telpher}
UNIT=/etc/systemd/system/telpher.service
HEALTH_TIMEOUT_S=30
SOURCE=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*"; }
fail() { printf 'telpher: %s\n' "$*" >&2; exit 1; }
systemd_runs() { [ -d /run/systemd/system ]; }

wheel="" token_file="" owner="" start=yes uninstall=no purge=no
while [ $# -gt 0 ]; do
    case $1 in
    --wheel) wheel=$2; shift ;;
    --token-file) token_file=$2; shift ;;
    --owner) owner=$2; shift ;;
    --no-start) start=no ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    --help | -h) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown option $1 (see --help)" ;;
    esac
    shift
done
[ "$(id -u)" -eq 0 ] || fail "please run this as root, for instance with sudo"

remove() {
    if systemd_runs; then
        systemctl disable --now telpher.service 2>/dev/null || true
    fi
    rm -f "$UNIT" /usr/local/bin/telpher
    rm -rf "$PREFIX"
    if systemd_runs; then systemctl daemon-reload; fi
    if [ "$purge" = yes ]; then
        rm -rf "$DATA" "$CONFIG"
        if id telpher >/dev/null 2>&1; then userdel telpher; fi
        say "Telpher is removed, with all its data."
    else
        say "Telpher is removed. Its data stays in $DATA and its settings in $CONFIG (--purge removes them too)."
    fi
}
if [ "$uninstall" = yes ]; then remove; exit 0; fi

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v "$candidate"; return; fi
    done
    fail "Telpher needs Python 3.11 or newer; on Ubuntu 22.04: apt-get install python3.11 python3.11-venv python3.11-dev"
}

install_packages() {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    packages=""
    "$python" -c 'import ensurepip, venv' 2>/dev/null || packages="python$version-venv"
    if [ -z "$wheel" ]; then # a checkout is compiled here
        command -v cc >/dev/null 2>&1 || packages="$packages gcc libc6-dev"
        "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
            packages="$packages python$version-dev"
        ls /usr/include/gmp.h /usr/include/*/gmp.h >/dev/null 2>&1 || packages="$packages libgmp-dev"
    fi
    [ -n "$packages" ] || return 0
    say "Installing $packages …"
    DEBIAN_FRONTEND=noninteractive apt-get -qq update || true
    # shellcheck disable=SC2086 # a list of words is meant
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $packages >/dev/null
}

write_settings() {
    install -d -m 0750 "$CONFIG"
    if [ ! -s "$CONFIG/telegram_token" ]; then
        token=${TELEGRAM_TOKEN:-}
        if [ -n "$token_file" ]; then token=$(cat "$token_file"); fi
        if [ -z "$token" ] && [ -t 0 ]; then
            printf 'Your bot'\''s token from @BotFather: '
            stty -echo; read -r token; stty echo; say ""
        fi
        [ -n "$token" ] || fail "no token: name a file with --token-file, or set TELEGRAM_TOKEN"
        (umask 077 && printf '%s\n' "$token" >"$CONFIG/telegram_token")
    fi
    if [ ! -e "$CONFIG/telpher.env" ]; then
        (umask 077 && {
            printf '# Telpher'\''s settings; what there is, docs/reference.md tells. The token stands in telegram_token beside this file.\n'
            printf 'OWNER_IDS=%s\n' "$owner"
        } >"$CONFIG/telpher.env")
    fi
}

build_release() {
    release=$PREFIX/releases/$(date -u +%Y%m%dT%H%M%S)-$$
    install -d -m 0755 "$release/share/doc"
    say "Making $release …"
    "$python" -m venv "$release/venv"
    pip="$release/venv/bin/python -m pip --disable-pip-version-check --quiet"
    # shellcheck disable=SC2086 # a command with its options is meant
    {
        $pip install --require-hashes -r "$SOURCE/locks/run.txt"
        if [ -n "$wheel" ]; then
            $pip install --no-deps "$wheel"
        else
            PATH=$release/venv/bin:$PATH $pip install --no-deps --no-build-isolation --no-cache-dir "$SOURCE"
        fi
    } || { rm -rf "$release"; fail "the new version could not be built; nothing was changed"; }
    cp "$SOURCE/README.md" "$release/share/doc/"
}

# Runs one command of the new release as the service would: its user, its settings, its token.
as_service() {
    runner="setpriv --reuid=telpher --regid=telpher --clear-groups --inh-caps=-all"
    # shellcheck disable=SC2046,SC2086 # lists of words are meant
    (cd "$DATA" && env -i PATH=/usr/bin:/bin HOME="$DATA" DATA_DIR="$DATA" $(grep -E '^[A-Z_]+=[^ ]+$' "$CONFIG/telpher.env") \
        TELEGRAM_TOKEN="$(cat "$CONFIG/telegram_token")" $runner "$release/venv/bin/telpher" "$@")
}

healthy() {
    host=$(sed -n 's/^WEB_HOST=//p' "$CONFIG/telpher.env") port=$(sed -n 's/^WEB_PORT=//p' "$CONFIG/telpher.env")
    "$release/venv/bin/python" - "http://${host:-127.0.0.1}:${port:-8080}/health/ready" "$HEALTH_TIMEOUT_S" <<'PYTHON'
import sys, time, urllib.request
url, deadline = sys.argv[1], time.monotonic() + float(sys.argv[2])
while time.monotonic() < deadline:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            sys.exit(answer.status != 200)
    except OSError:
        time.sleep(0.5)
sys.exit(1)
PYTHON
}

python=$(find_python)
install_packages
if ! id telpher >/dev/null 2>&1; then
    useradd --system --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin telpher
fi
install -d -m 0700 -o telpher -g telpher "$DATA"
write_settings
build_release

before=$(readlink "$PREFIX/current" 2>/dev/null || true)
backup=""
if systemd_runs && [ "$start" = yes ]; then
    systemctl stop telpher.service 2>/dev/null || true
fi
if [ -f "$DATA/telpher.db" ]; then
    backup=$DATA/telpher.db.before-$(basename "$release")
    "$release/venv/bin/python" - "$DATA/telpher.db" "$backup" <<'PYTHON'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as source, sqlite3.connect(sys.argv[2]) as copy:
    source.backup(copy)
PYTHON
    chown telpher:telpher "$backup"
    chmod 0600 "$backup"
fi
ln -sfn "$release" "$PREFIX/current.new"
mv -T "$PREFIX/current.new" "$PREFIX/current"
ln -sfn "$PREFIX/current/venv/bin/telpher" /usr/local/bin/telpher
install -m 0644 "$SOURCE/deploy/telpher.service" "$UNIT"

as_service doctor || say "(telpher doctor names what is not right yet, above.)"

if ! systemd_runs || [ "$start" = no ]; then
    say "Installed. systemd does not run here or --no-start was given: start it with  systemctl enable --now telpher"
    exit 0
fi
systemctl daemon-reload
systemctl enable --quiet telpher.service
systemctl restart telpher.service || true
if healthy; then
    say "Telpher runs. Its log: journalctl -u telpher -f"
    # The two newest releases and backups stay.
    ls -1dt "$PREFIX"/releases/* | tail -n +3 | xargs -r rm -rf
    ls -1t "$DATA"/telpher.db.before-* 2>/dev/null | tail -n +3 | xargs -r rm -f
    exit 0
fi
systemctl stop telpher.service || true
if [ -n "$before" ] && [ -d "$before" ]; then
    say "The new version was not healthy within $HEALTH_TIMEOUT_S s: going back to the one before."
    ln -sfn "$before" "$PREFIX/current.new"
    mv -T "$PREFIX/current.new" "$PREFIX/current"
    if [ -n "$backup" ]; then
        rm -f "$DATA/telpher.db-wal" "$DATA/telpher.db-shm"
        cp -p "$backup" "$DATA/telpher.db"
    fi
    systemctl start telpher.service
fi
fail "the new version did not become healthy; its log: journalctl -u telpher -n 100"
