#!/usr/bin/env bash
# The source distribution builds from itself: with each Python that is found it is built in an
# environment of its own, installed, and tried. wheels/pythons.sh SDIST [PYTHON ...]
#
# Without names, what is looked for are python3.11 to python3.15, also free-threaded (3.14t), in PATH
# and among the versions of pyenv. Those that are not there are fetched from releases of Debian, the
# free-threaded ones as sources; what cannot be had is left out, loudly. At least one must be there.
set -euo pipefail

sdist=$(realpath "$1")
shift
here=$(realpath "$(dirname "$0")")
output=$(realpath "$here/..")/build/wheels/pythons
PYTHON=$(realpath --no-symlinks "${PYTHON:-.venv/bin/python}")
PATH=$(dirname "$PYTHON"):$PATH
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1

# Prints the interpreter of this version on this system, if there is one: 3.14, or 3.14t.
find_python() {
    local version=$1 each
    for each in "$(command -v "python$version" || true)" \
        "$HOME/.pyenv/versions/$version".*/bin/python; do
        if [ -x "$each" ] && "$each" -c 'import venv' 2>/dev/null &&
            [ "$("$each" -c 'import sys, sysconfig
t = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("%d.%d%s" % (*sys.version_info[:2], t))')" = "$version" ]; then
            echo "$each"
            return
        fi
    done
    return 1
}

# Prints one interpreter for each version.
find_pythons() {
    local version
    for version in 3.11 3.12 3.13 3.14 3.15; do
        find_python "$version" || "$here/debian.sh" python "$version" || [ $? = 77 ] || return
    done
    for version in 3.13 3.14 3.15; do
        find_python "${version}t" || "$here/interpreter.sh" free-threaded "$version" ||
            [ $? = 77 ] || return
    done
}

pythons=("$@")
if [ $# = 0 ]; then
    found=$(find_pythons)
    mapfile -t pythons <<<"$found"
fi
[ -n "${pythons[0]}" ] || { echo "no Python was found to build with" >&2; exit 1; }

# The pip of another Python serves those that come without one.
pip=("$PYTHON" -m pip --python)
rm -rf "$output"
for python in "${pythons[@]}"; do
    name=$("$python" -c 'import sys; print(sys.implementation.cache_tag + sys.abiflags)')
    own=$output/$name
    mkdir -p "$own"
    "$python" -m venv --without-pip "$own/venv"
    "${pip[@]}" "$own/venv/bin/python" wheel --no-deps -w "$own" "$sdist"
    "${pip[@]}" "$own/venv/bin/python" install --no-index "$own"/*.whl
    (cd "$own" && venv/bin/python "$here/smoke.py")
done
