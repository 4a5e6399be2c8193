#!/bin/sh
# Fuzz once under AddressSanitizer: build the extension modules with it in a copy of the tree, and
# run the fuzzers with daemon and interpreter under its runtime library.
#
#   tests/fuzz/asan.sh [inputs for each target]
#
# PYTHON names the interpreter, with Cython and setuptools installed. Leaks are left to the fuzzers'
# own look at the resident memory: the interpreter keeps too much for the sanitizer to tell.
set -eu

count=${1:-20000}
python=${PYTHON:-python3}
tree=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM

cp -r "$tree/setup.py" "$tree/pyproject.toml" "$tree/spread" "$tree/tests" "$copy"
find "$copy/spread" \( -name '*.so' -o -name '*.c' \) -delete
cd "$copy"
CFLAGS="-fsanitize=address -fno-omit-frame-pointer -O1 -g" LDFLAGS="-fsanitize=address" \
    "$python" setup.py -q build_ext --inplace

LD_PRELOAD=$(gcc -print-file-name=libasan.so)
ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:handle_abort=1:allocator_may_return_null=1"
PYTHONMALLOC=malloc
export LD_PRELOAD ASAN_OPTIONS PYTHONMALLOC
"$python" -m tests.fuzz --target all --count "$count"
