#!/usr/bin/env bash
# Wheels for other machines and another C library, by the compiler that PyPI's `ziglang` brings.
#
#   wheels/cross.sh aarch64|musl [PYTHON [OUTPUT]]
#
# aarch64: for glibc 2.28; run with qemu where qemu-user-static is installed. musl: x86_64, run with
# the musl of MUSL, a release of Debian (sid), and of a CPython that is compiled for it. PYTHON has the
# dependency group `wheels` and headers; those of x86_64 serve aarch64 as well. Skipped when ziglang
# cannot be had (100 MB; it is kept in ~/.cache/spreadring).
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1
python=$(realpath --no-symlinks "${2:-.venv/bin/python}")
output=${3:-build/wheels/$kind}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spreadring
PATH="$(dirname "$python"):$PATH"

skip() {
    printf '\n*** SKIPPED: the %s wheel: %s\n\n' "$kind" "$1" >&2
    exit 77
}

# What it means that a command has failed: what cannot be had is skipped, all else is a failure.
or_skip() {
    [ $? -ne 77 ] || skip "$1"
    exit 1
}

case $kind in
aarch64) target=aarch64-linux-gnu.2.28 machine=aarch64 suffix=aarch64-linux-gnu ;;
musl) target=x86_64-linux-musl machine=x86_64 suffix=x86_64-linux-musl ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# Whole, or not at all; a run beside this one may be faster.
fetch_compiler() {
    local work status=0
    mkdir -p "$cache"
    work=$(mktemp -d -p "$cache")
    "$python" wheels/fetch.py install --no-deps --require-hashes --only-binary=:all: \
        --target "$work/zig" --requirement "$requirements" || status=$?
    [ $status -ne 0 ] || mv -T "$work/zig" "$zig" 2>/dev/null || [ -d "$zig" ] || status=1
    rm -rf "$work"
    return $status
}

requirements=wheels/requirements-zig.txt
zig=$cache/zig-$(sha256sum <"$requirements" | cut -c-16)
[ -d "$zig" ] || fetch_compiler || or_skip "ziglang cannot be fetched"

# The compiler under a name, as setuptools calls it. The modules of each target lie apart.
rm -rf "$output" build/bdist.*
mkdir -p "$output/raw"
printf '#!/bin/sh\nexec "%s" cc -target %s "$@"\n' "$zig/ziglang/zig" "$target" >"$output/cc"
chmod +x "$output/cc"
tag=$("$python" -c 'import sys; print(sys.implementation.cache_tag)')
export CC=$PWD/$output/cc LDSHARED="$PWD/$output/cc -shared -s"
export SETUPTOOLS_EXT_SUFFIX=.$tag-$suffix.so _PYTHON_HOST_PLATFORM=linux-$machine
build=build/lib.linux-$machine-$tag
[ "$kind" = aarch64 ] || build=build/musl
mkdir -p "$build"
find "$build" -type f ! -path '*/spread/_*.so' -delete
"$python" setup.py --quiet bdist_wheel --dist-dir "$output/raw" build --build-lib "$build" \
    --build-temp "build/temp.$kind" >"$output/build.log" 2>&1 || { cat "$output/build.log" >&2; exit 1; }
unset CC LDSHARED SETUPTOOLS_EXT_SUFFIX _PYTHON_HOST_PLATFORM

raw=$(echo "$output"/raw/*.whl)
if [ "$kind" = musl ]; then
    # zig names the C library as it is called where programs are made, not where they run.
    "$python" -m wheel unpack --dest "$output/unpacked" "$raw"
    patchelf --replace-needed libc.so libc.musl-x86_64.so.1 "$output"/unpacked/*/spread/_*.so
    "$python" -m wheel pack --dest-dir "$output/raw" "$output"/unpacked/*
fi
"$python" -m auditwheel --verbose repair -w "$output" "$raw" >"$output/auditwheel.log" 2>&1 ||
    { cat "$output/auditwheel.log" >&2; exit 1; }
wheel=$(echo "$output"/*.whl)
case $wheel in
*manylinux_2_28_aarch64.whl | *manylinux_2_17_aarch64*.whl | *musllinux_1_2_x86_64.whl) ;;
*) echo "$wheel: not the tag that was wanted" >&2; exit 1 ;;
esac
"$python" wheels/contents.py "$wheel"
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
no_python="built; not run: there is no Python $minor for it"

if [ "$kind" = musl ]; then
    runner=$(wheels/interpreter.sh musl "$minor" "${MUSL:-sid}") ||
        or_skip "$no_python"
else
    command -v qemu-aarch64-static >/dev/null || skip "built; not run: no qemu-user-static"
    foreign=$(wheels/debian.sh python "$minor" arm64) || or_skip "$no_python"
    root=${foreign%/usr/bin/*}
    # Its children are to be started under qemu, too: what it takes for itself is this script.
    runner=$PWD/$output/python
    printf '#!/bin/sh\nexec qemu-aarch64-static -0 "%s" -L "%s" -E PYTHONHOME="%s/usr" "%s" "$@"\n' \
        "$runner" "$root" "$root" "$foreign" >"$runner"
    chmod +x "$runner"
fi

platform=$(basename "$wheel" .whl | sed 's/.*[-.]//')
"$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
    --platform "$platform" --python-version "$minor" --only-binary=:all: \
    --target "$output/site-packages" "$wheel"
(cd "$output" && SMOKE_TIMEOUT_S=300 PYTHONPATH=$PWD/site-packages \
    "$runner" "$OLDPWD/wheels/smoke.py")
