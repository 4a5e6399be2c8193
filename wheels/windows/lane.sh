#!/usr/bin/env bash
# Build a wheel for 64-bit Windows on this system, and prove it with a genuine CPython under Wine.
#
#     lane.sh [--python 3.11] [--only wheel|ring|tests] [-- ARGUMENTS OF PYTEST]
#
# --only wheel ends when the wheel has been installed; ring and tests expect that it has been.
# Exit status: 0 proved; 77 skipped, because something it needs cannot be had here; 2 wrong use;
# anything else: not proved.
#
# PYTHON is the interpreter that builds (with pip; what it lacks is installed into its environment).
# Kept in ~/.cache/spreadring/windows, or below XDG_CACHE_HOME, until not used for two weeks:
#     3.11-KEY       an interpreter for Windows, 85 MB, for each version and state of the lane
#     modules        compiled modules, 60 MB
#     prefix-KEY     what is Wine's own, 0.7 GB for each tree (wine.sh; not if WINEPREFIX is set)
# Everything else is in build/windows.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
minor=3.11 only=all

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --python) minor=${2:-}; [[ $minor =~ ^3\.[0-9]+t?$ ]] || usage; shift 2 ;;
    --only) only=${2:-}; [[ $only =~ ^(wheel|ring|tests)$ ]] || usage; shift 2 ;;
    --) shift; break ;;
    *) usage ;;
    esac
done

PYTHON=${PYTHON:-$root/.venv/bin/python}
home=$root/build/windows/$minor
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spreadring/windows
export PYTHON_VERSION=$minor

skip() {
    printf '\n*** SKIPPED: the Windows wheel is not proved here: %s\n\n' "$1" >&2
    exit 77
}

# What it means that a command has failed: what cannot be had is skipped, all else ends this.
or_skip() {
    local status=$?
    [ "$status" -ne 77 ] || skip "$1"
    exit "$status"
}

say() { printf -- '-- windows %s: %s (%d s)\n' "$minor" "$1" "$SECONDS"; }

# The interpreter for Linux with the same minor version: its library and headers are needed.
native() {
    local each
    for each in "$(command -v "python$minor" || true)" \
        "$HOME"/.pyenv/versions/"$minor".*/bin/python; do
        if [ -x "$each" ] && "$each" -c 'import sys, sysconfig, pathlib
sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1]
         or not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' "$minor" \
            2>/dev/null; then
            echo "$each"
            return
        fi
    done
    PATH="$(dirname "$PYTHON"):$PATH" "$here/../debian.sh" python "$minor"
}

wheel() {
    command -v wine >/dev/null || skip "no wine (Debian: apt-get install wine wine64)"
    command -v x86_64-w64-mingw32-gcc >/dev/null ||
        skip "no mingw-w64 (Debian: apt-get install gcc-mingw-w64-x86-64-posix)"
    [ -f "$here/requirements-python$minor.txt" ] || skip "no CPython $minor for Windows is known"
    "$PYTHON" -c 'import Cython, pefile, setuptools, wheel' 2>/dev/null ||
        "$PYTHON" "$here/../fetch.py" install \
            "cython>=3.1" "pefile>=2024.8.26" "setuptools>=77" "wheel>=0.44" ||
        or_skip "what it is made with cannot be fetched"

    local wanted
    wanted=$(cat "$here"/runtime.py "$here"/requirements-{test,python"$minor"}.txt "$here"/py* |
        sha256sum | cut -c-16)
    local runtime=$cache/$minor-$wanted own
    if [ ! -d "$runtime" ]; then
        own=$(native) || or_skip "no Python $minor with headers on this system, nor from Debian"
        "$PYTHON" "$here/runtime.py" "$own" "$runtime" || or_skip "the interpreter cannot be fetched"
        say "interpreter made"
    fi
    # Of other versions of this file, or of trees that are gone.
    touch "$runtime"
    find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 ! -name modules -exec rm -rf {} +
    "$PYTHON" "$here/build.py" "$runtime" "$cache/modules" "$home"
    say "wheel built"
    "$PYTHON" "$root/wheels/contents.py" "$home"/*.whl
    "$PYTHON" "$here/needs.py" "$home"/*.whl
    rm -rf "$home/python"
    cp -r "$runtime" "$home/python"
    cd "$home"
    "$here/wine.sh" python -m pip install --quiet --disable-pip-version-check --no-index \
        --no-deps --no-warn-script-location ./*.whl
    say "wheel installed by pip under Wine"
}

ring() {
    cd "$home"
    export SMOKE_TIMEOUT_S=${SMOKE_TIMEOUT_S:-180}  # Wine on a busy machine is slow.
    "$here/wine.sh" python "Z:$root/wheels/smoke.py"
    say "smoke test passed"
    "$here/wine.sh" python "Z:$here/ring.py"
    say "one order, a daemon killed and back"
}

# The tree without the package: what is imported is what was installed. Two processes at a time.
tests() {
    local part failed=0 running=()
    rm -rf "$home/tree"
    mkdir -p "$home/tree"
    (cd "$root" && git ls-files -z --cached --others --exclude-standard -- \
        tests docs examples packaging wheels bench/'*.py' pyproject.toml \
        | xargs -0 cp --parents -t "$home/tree")
    rm -f "$home"/tests-*.xml
    cd "$home/tree"
    if [ $# -gt 0 ]; then
        "$here/wine.sh" python -m pytest -q -p no:cacheprovider "$@"
        return
    fi
    for part in unit more; do
        "$here/wine.sh" python -m pytest -q -p no:cacheprovider --durations=15 \
            --junit-xml="../tests-$part.xml" "@wheels/windows/tests-$part.txt" \
            >"$home/tests-$part.log" 2>&1 &
        running+=($!)
    done
    for part in unit more; do
        wait "${running[0]}" || failed=1
        running=("${running[@]:1}")
        grep '^Wine ' "$home/tests-$part.log" || true
        grep -v '^SKIPPED' "$home/tests-$part.log" | tail -n $((failed ? 200 : 1))
    done
    [ $failed -eq 0 ]
    for part in unit more; do
        "$PYTHON" "$here/ran.py" "$here/tests-$part.txt" "$home/tests-$part.xml"
    done
    say "tests passed"
}

case $only in
wheel | ring | tests) "$only" "$@" ;;
# Not joined by &&: bash would go on after a command that fails in the middle of one of them.
all) wheel; ring; tests ;;
esac
