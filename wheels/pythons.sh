#!/usr/bin/env bash
# The source distribution builds from itself: with each Python that is found it is built in an
# environment of its own, installed, and tried. wheels/pythons.sh SDIST [PYTHON ...]
#
# Without names, what is looked for are python3.11 to python3.15, also free-threaded (3.14t), in PATH
# and among the versions of pyenv. At least one must be there.
set -euo pipefail

sdist=$(realpath "$1")
shift
smoke=$(realpath "$(dirname "$0")/smoke.py")
output=$(realpath "$(dirname "$0")/..")/build/wheels/pythons
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1

# Prints one interpreter for each version, those of pyenv behind those of PATH.
find_pythons() {
    local version found
    for version in 3.11 3.12 3.13 3.13t 3.14 3.14t 3.15 3.15t; do
        for found in "$(command -v "python$version" || true)" \
            "$HOME/.pyenv/versions/$version".*/bin/python; do
            if [ -x "$found" ] && "$found" -c 'import venv' 2>/dev/null &&
                [ "$("$found" -c 'import sys, sysconfig
t = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("%d.%d%s" % (*sys.version_info[:2], t))')" = "$version" ]; then
                echo "$found"
                break
            fi
        done
    done
}

found=()
[ $# -gt 0 ] || mapfile -t found < <(find_pythons)
pythons=("$@" "${found[@]}")
[ ${#pythons[@]} -gt 0 ] || { echo "no Python was found to build with" >&2; exit 1; }

rm -rf "$output"
for python in "${pythons[@]}"; do
    name=$("$python" -c 'import sys; print(sys.implementation.cache_tag + sys.abiflags)')
    here=$output/$name
    mkdir -p "$here"
    "$python" -m venv "$here/venv"
    "$here/venv/bin/python" -m pip wheel --no-deps -w "$here" "$sdist"
    "$here/venv/bin/python" -m pip install --no-index "$here"/*.whl
    (cd "$here" && venv/bin/python "$smoke")
done
