#!/bin/sh
# Makes .venv from a lock file and builds Telpher into it, doing only what has changed since last time.
#   tools/setup.sh run    what `telpher` needs to run
#   tools/setup.sh dev    that, and what its tests and checks need
#   tools/setup.sh bench  beside that, what the kernels are measured beside; goes on without what cannot be had for this Python
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "Telpher needs Python 3.11 or newer; this machine's python3 is $(python3 --version 2>&1 || echo missing)."
    exit 1
}

# Prints the Debian packages that are missing on this machine: those that set-up cannot do without, and (after a bar) those it
# would like: with libgmp the pi module also computes digits.
missing_packages() {
    needed="" wanted=""
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    case $("$python" -c 'import sys; print(sys.base_prefix)') in
    /usr) venv_package=python$version-venv dev_package=python$version-dev ;;
    *) venv_package="" dev_package="" ;; # not the distribution's Python: it brings its own
    esac
    "$python" -c 'import ensurepip, venv' 2>/dev/null || needed="$needed $venv_package"
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        needed="$needed $dev_package"
    command -v cc >/dev/null 2>&1 || needed="$needed gcc libc6-dev"
    [ -e /usr/include/gmp.h ] || ls /usr/include/*/gmp.h >/dev/null 2>&1 || wanted="libgmp-dev"
    echo "$needed|$wanted"
}

install_packages() {
    list=$(missing_packages)
    needed=${list%%|*} wanted=${list##*|}
    [ -n "$needed$wanted" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        [ -z "$needed" ] || { say "Please install first, with your system's packages:$needed"; exit 1; }
        return 0
    fi
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        if sudo -n true 2>/dev/null; then
            as_root="sudo"
        elif [ -n "$needed" ]; then
            say "Please run this first:  sudo apt-get update && sudo apt-get install -y$needed"
            exit 1
        else
            return 0
        fi
    fi
    say "Installing$needed $wanted with apt …"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2 || true
    # shellcheck disable=SC2086 # a list of words is meant
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $needed $wanted >/dev/null; then
        [ -z "$needed" ] || { say "apt could not install:$needed"; exit 1; }
    fi
}

# One word that changes whenever what is installed would.
fingerprint() {
    { echo "$PWD"; "$python" -VV; cat "$@"; } | sha256sum | cut -d' ' -f1
}

fresh() { [ "$(cat ".venv/$1" 2>/dev/null)" = "$2" ]; }

# The quick way out: nothing but this file's reading has happened when all is as it was.
python=.venv/bin/python
if [ -x "$python" ] && fresh "packages-$kind" "$(fingerprint "locks/$kind.txt")" && fresh telpher "$(fingerprint pyproject.toml tools/setup.sh)"; then
    exit 0
fi

# In the environment that `dev` has made. What is missing is not measured, and said so there.
if [ "$kind" = bench ]; then
    mark=$(fingerprint locks/bench.txt)
    fresh packages-bench "$mark" && exit 0
    say "Installing the packages of locks/bench.txt …"
    if "$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r locks/bench.txt; then
        echo "$mark" >.venv/packages-bench
    else
        say "They could not be installed; the kernels are measured beside what is there."
    fi
    exit 0
fi

python=$(find_python)
install_packages
if ! .venv/bin/python -c 'import pip' 2>/dev/null || ! fresh home "$PWD"; then
    say "Making .venv …"
    rm -rf .venv
    "$python" -m venv .venv
    echo "$PWD" >.venv/home
fi
python=.venv/bin/python
PATH=$PWD/.venv/bin:$PATH
export PIP_DISABLE_PIP_VERSION_CHECK=1
# The build remembers Cython by this path, so that an edited kernel is rebuilt on import also where .venv/bin is not on the PATH.
export CYTHON="$PWD/.venv/bin/cython"
mark=$(fingerprint "locks/$kind.txt")
if ! fresh "packages-$kind" "$mark"; then
    say "Installing the packages of locks/$kind.txt …"
    "$python" -m pip install --quiet --require-hashes -r "locks/$kind.txt"
    echo "$mark" >".venv/packages-$kind"
fi
mark=$(fingerprint pyproject.toml tools/setup.sh)
if ! fresh telpher "$mark"; then
    say "Building Telpher …"
    "$python" -m pip install --quiet --no-deps --no-build-isolation --editable .
    echo "$mark" >.venv/telpher
fi
