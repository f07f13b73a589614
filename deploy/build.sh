#!/bin/sh
# Makes a virtual environment that runs Telpher, from the lock file alone:
#
#   deploy/build.sh PYTHON TARGET [WHEEL]
#
# Without a wheel the checkout that this script lies in is compiled (a C compiler and Python's headers are needed; with libgmp's the
# computation module pi has all its digits). Used by install.sh and by the Containerfile.
set -eu

python=$1 target=$2 wheel=${3:-}
source=$(cd "$(dirname "$0")/.." && pwd)

"$python" -m venv "$target"
pip() { "$target/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }
pip install --require-hashes -r "$source/locks/run.txt"
pip install --require-hashes --only-binary :all: -r "$source/locks/postgresql.txt" ||
    echo "The driver of PostgreSQL cannot be had for this Python: DATABASE_URL will not work." >&2
if [ -n "$wheel" ]; then
    pip install --no-deps "$wheel"
else
    PATH=$target/bin:$PATH
    pip install --no-deps --no-build-isolation --no-cache-dir "$source"
fi
"$target/bin/python" -c 'import telpher.compute.kernels.pool' # what was compiled can be loaded
