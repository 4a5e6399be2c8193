#!/usr/bin/env bash
# A kind of CPython that Debian has no package of, built from the sources that it has.
#
#   wheels/interpreter.sh free-threaded MINOR      such as 3.14
#   wheels/interpreter.sh musl MINOR [SUITE]       with the musl of that release, such as sid
#
# Prints the path of the interpreter. Needs gcc, make and, for musl, a Python of the same version in
# PATH or pyenv. It has what `spread` needs and no more: no OpenSSL for musl, no tests, no pip. A few
# minutes; what is made is kept in ~/.cache/spreadring. Exit status 77: the sources cannot be had.
set -euo pipefail

debian=$(realpath "$(dirname "$0")/debian.sh")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spreadring/interpreters
kind=${1:-} minor=${2:-} suite=${3:-bookworm}
jobs=-j$(nproc)
optimisation="-O1 -g0"

# Runs a command whose output matters only where it fails.
quietly() {
    "$@" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; return 1; }
}

begin() {
    mkdir -p "$cache"
    work=$(mktemp -d -p "$cache")
    trap 'rm -rf "$work"' EXIT
}

build() {
    quietly ./configure --quiet --prefix="$home" --without-ensurepip --disable-test-modules "$@"
    quietly make "$jobs"
    quietly make install
}

free_threaded() {
    sources=$("$debian" source "python$minor")
    begin
    cp -a "$sources" "$work/python"
    cd "$work/python"
    build --disable-gil CFLAGS="$optimisation"
}

# gcc for musl: its headers and libraries, and the loader where it was unpacked, not below /lib.
compiler_for_musl() {
    local musl=$1 specs headers=/usr/include
    specs=$(echo "$musl"/usr/lib/*-linux-musl/musl-gcc.specs)
    sed "s#/\(usr/\)\?\(include\|lib\)/#$musl&#g" "$specs" >"$home/specs"
    # The kernel's headers, which are for every C library.
    mkdir -p "$home/kernel"
    ln -sfn $headers/linux $headers/asm-generic "$headers/$(gcc -print-multiarch)/asm" "$home/kernel"
    cat >"$home/cc" <<END
#!/bin/sh
[ "\$*" != --print-multiarch ] || { echo "$(uname -m)-linux-musl"; exit; }
# What configure finds of this system is for another C library.
for each do
    shift
    case \$each in -I/usr/*) ;; *) set -- "\$@" "\$each" ;; esac
done
exec gcc "\$@" -specs "$home/specs" -idirafter "$home/kernel"
END
    chmod +x "$home/cc"
}

with_musl() {
    local musl libffi zlib native machine
    machine=$(uname -m)
    native=$(command -v "python$minor" || echo "$HOME"/.pyenv/versions/"$minor".*/bin/python"$minor")
    musl=$("$debian" packages "$suite" musl musl-dev)
    # With a `configure`, which newer ones do not bring.
    libffi=$("$debian" source libffi bookworm)
    zlib=$("$debian" source zlib bookworm)
    sources=$("$debian" source "python$minor")
    begin
    mkdir -p "$home"
    compiler_for_musl "$musl"
    export CC=$home/cc READELF=/usr/bin/readelf AR=ar RANLIB=ranlib PKG_CONFIG=false
    cp -a "$libffi" "$work/libffi"
    cd "$work/libffi"
    quietly ./configure --quiet --host="$machine-linux-musl" --disable-shared --with-pic \
        --disable-docs --disable-multi-os-directory --prefix="$home"
    quietly make "$jobs"
    quietly make install
    cp -a "$zlib" "$work/zlib"
    cd "$work/zlib"
    quietly env CFLAGS="-O1 -fPIC" ./configure --static --prefix="$home"
    quietly make "$jobs" libz.a
    quietly make install
    cp -a "$sources" "$work/python"
    cd "$work/python"
    # Another maker's name for the host, and nothing of this system is looked for.
    build --build="$machine-pc-linux-musl" --host="$machine-unknown-linux-musl" \
        --with-build-python="$native" ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no \
        ac_cv_buggy_getaddrinfo=no CPPFLAGS="-I$home/include" LDFLAGS="-L$home/lib" \
        CFLAGS="$optimisation"
}

case $kind in
free-threaded) home=$cache/python${minor}t python=$home/bin/python${minor}t make=free_threaded ;;
musl) home=$cache/python$minor-musl-$suite python=$home/bin/python$minor make=with_musl ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
# Its own path is in it, so it is made where it is to be; the mark says that it is whole.
if [ ! -e "$home/whole" ]; then
    rm -rf "$home"
    $make
    touch "$home/whole"
fi
echo "$python"
