#!/bin/sh
# Fuzz once under AddressSanitizer: build the extension modules with it in a copy of the tree, and
# run the fuzzers with daemon and interpreter under its runtime library.
#
#   tests/fuzz/asan.sh [inputs for each target] [seed]
#
# PYTHON names the interpreter, with Cython and setuptools installed. Leaks are left to the fuzzers'
# own look at the resident memory: the interpreter keeps too much for the sanitizer to tell.
set -eu

count=${1:-20000}
seed=${2:-1}
tree=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-$tree/.venv/bin/python}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM

cd "$tree"
cp -r setup.py pyproject.toml README.md LICENSE spread tests "$copy"
cd "$copy"
find spread \( -name '*.so' -o -name '*.c' \) -delete
if ! CFLAGS="-fsanitize=address -fno-omit-frame-pointer -g" LDFLAGS="-fsanitize=address" \
    "$python" setup.py --quiet build_ext --inplace >build.log 2>&1; then
    cat build.log >&2
    exit 1
fi
for module in spread/*.so; do
    if ! grep -q __asan "$module"; then
        echo "$module has not been built with the sanitizer" >&2
        exit 1
    fi
done

LD_PRELOAD=$(${CC:-gcc} -print-file-name=libasan.so)
ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:handle_abort=1:allocator_may_return_null=1"
PYTHONMALLOC=malloc
export LD_PRELOAD ASAN_OPTIONS PYTHONMALLOC
"$python" -m tests.fuzz --target all --count "$count" --seed "$seed"
