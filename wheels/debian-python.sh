#!/usr/bin/env bash
# A Python that this system does not have, from the packages of a newer Debian, beside the system and
# without touching it: interpreter, standard library, headers, and the C library that they want.
#
#   wheels/debian-python.sh MINOR          such as 3.14; prints the interpreter's path
#
# apt takes the packages from the mirror of Debian that it is configured with, and checks their
# signatures as ever. They are kept in ~/.cache/spreadring. Exit status 77: it cannot be had.
set -euo pipefail

minor=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spreadring
home=$cache/debian-python$minor
python=$home/python$minor
suites=(testing unstable stable)
packages=("python$minor" "python$minor-minimal" "libpython$minor-minimal" "libpython$minor-stdlib"
    "libpython$minor-dev" libc6 libexpat1 zlib1g)

if [ -x "$python" ]; then
    echo "$python"
    exit
fi

say() { printf 'Python %s of Debian: %s\n' "$minor" "$1" >&2; }

command -v apt-get >/dev/null || { say "no apt here"; exit 77; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Label: Debian' 2>/dev/null | head -n 1)
[ -n "$mirror" ] || { say "apt knows no mirror of Debian"; exit 77; }
mkdir -p "$cache"
work=$(mktemp -d "$cache/debian-python.XXXXXX")
trap 'rm -rf "$work"' EXIT
options=(-qq -o APT::Sandbox::User=root -o Acquire::Languages=none
    -o Dir::State="$work/state" -o Dir::State::status="$work/state/status"
    -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/sources.list"
    -o Dir::Etc::sourceparts=-)

# Fetches the packages as one suite has them, all or none.
fetch() {
    rm -rf "${work:?}"/*
    mkdir -p "$work"/{state/lists/partial,cache/archives/partial,debs,root}
    touch "$work/state/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" \
        >"$work/sources.list"
    apt-get "${options[@]}" update 2>"$work/said" &&
        (cd "$work/debs" && apt-get "${options[@]}" download "${packages[@]}" 2>"$work/said")
}

for suite in "${suites[@]}"; do
    if fetch "$suite"; then found=$suite && break; fi
done
[ -n "${found:-}" ] || { sed 's/^/    /' "$work/said" >&2; say "not in ${suites[*]}"; exit 77; }

for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done
# The C library is newer than that of this system, and has to be loaded by its own loader.
root=$home/root
libraries=$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu
cat >"$work/root/../python$minor" <<END
#!/bin/sh
unset PYTHONPATH LD_LIBRARY_PATH
PYTHONHOME="$root/usr" exec "$root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" \\
    --library-path "$libraries" --argv0 "$python" "$root/usr/bin/python$minor" "\$@"
END
chmod +x "$work/python$minor"
rm -rf "$home" "$work"/{state,cache,debs,sources.list,said}
mkdir "$home"
mv "$work/root" "$home"
"$work/python$minor" -c 'import compileall, sysconfig'
mv "$work/python$minor" "$home"
say "$("$python" -c 'import platform; print(platform.python_version())') from $found" >&2
echo "$python"
