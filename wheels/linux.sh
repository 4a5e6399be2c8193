#!/usr/bin/env bash
# A wheel for this Linux, as it is handed out: built, mended to a manylinux tag, examined, installed
# into an environment that holds nothing else, and tried there.
#
#   wheels/linux.sh [PYTHON [OUTPUT]]
#
# PYTHON has the dependency group `wheels`. Compiled modules that are up to date are taken as they
# are. The C library that the modules ask for must be that of manylinux_2_28 or older: gcc takes the
# newest symbols that the machine has, so auditwheel refuses what would not start elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$(realpath --no-symlinks "${1:-.venv/bin/python}")
output=${2:-build/wheels/linux}
platform=manylinux_2_28_$(uname -m)

# What an earlier build left, but for the compiled modules, is not to reach the wheel.
for left in build/lib.*; do
    [ ! -d "$left" ] || find "$left" -type f ! -path '*/spread/_*.so' -delete
done
rm -rf "$output" build/bdist.*
mkdir -p "$output/raw"

"$python" -m pip wheel --quiet --no-build-isolation --no-deps -w "$output/raw" .
PATH="$(dirname "$python"):$PATH" "$python" -m auditwheel --verbose repair --strip \
    --plat "$platform" -w "$output" "$output"/raw/*.whl >"$output/auditwheel.log" 2>&1 ||
    { cat "$output/auditwheel.log" >&2; exit 1; }
wheel=$(echo "$output"/*.whl)
"$python" wheels/contents.py "$wheel"
"$python" -m twine --no-color check --strict "$wheel"

"$python" -m venv "$output/venv"
"$output/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$wheel"
(cd "$output" && venv/bin/python "$OLDPWD/wheels/smoke.py")
