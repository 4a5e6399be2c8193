#!/usr/bin/env bash
# The source distribution, examined: wheels/sdist.sh [PYTHON [OUTPUT]]. PYTHON has the dependency
# group `wheels`. That it builds is shown by wheels/pythons.sh, which has nothing else to build from.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
output=${2:-build/wheels/sdist}

rm -rf "$output"
"$python" -m build --sdist --no-isolation --outdir "$output" . >build/sdist.log 2>&1 ||
    { cat build/sdist.log >&2; exit 1; }
"$python" wheels/contents.py "$output"/*.tar.gz
"$python" -m twine --no-color check --strict "$output"/*.tar.gz
