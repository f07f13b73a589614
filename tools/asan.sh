#!/bin/sh
# Builds the kernels with AddressSanitizer and UndefinedBehaviorSanitizer, beside the usual build, and runs the compute tests on them.
#   tools/asan.sh [what to pass to pytest]
set -eu
cd "$(dirname "$0")/.."
root=$PWD
python=${PYTHON:-$root/.venv/bin/python}
PATH=$(dirname "$python"):$PATH
export PATH

build=$root/build/asan
site=$build/site
native=$build/python.ini
mkdir -p "$build"
printf "[binaries]\npython = '%s'\n" "$python" >"$native"
[ -f "$build/meson/build.ninja" ] ||
    meson setup --native-file "$native" -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized \
        -Dpython.purelibdir="$site" -Dpython.platlibdir="$site" "$build/meson" >"$build/setup.log"
rm -rf "$site"
meson install -C "$build/meson" --quiet >"$build/install.log"
# An editable install would find its own build first: a loader that does nothing stands before it.
echo '"""Nothing: the package is found on the path."""' >"$site/_telpher_editable_loader.py"
printf 'def __getattr__(name):\n    return lambda *args, **kwargs: None\n' >>"$site/_telpher_editable_loader.py"

export PYTHONPATH="$site" PYTHONMALLOC=malloc
# The sanitiser looks for the C++ library's exceptions when it starts, before matplotlib brings that library.
LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libstdc++.so.6)"
export LD_PRELOAD
# CPython itself leaks at exit, and some tests ask for more memory than there is, on purpose.
export ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1:handle_segv=1:abort_on_error=1"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
"$python" -c 'import telpher.compute.kernels.pool as pool; assert "/build/asan/" in pool.__file__, pool.__file__'
exec "$python" -m pytest -q --capture=sys -p no:cacheprovider tests/unit/compute --deselect tests/unit/compute/test_example_module.py "$@"
