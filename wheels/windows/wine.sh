#!/usr/bin/env bash
# Run a Windows program in the lane's Wine: `wine.sh python -m spread --local`, `wine.sh spuser ...`.
#
# The programs are those of the copy of CPython in build/windows/VERSION/python (PYTHON_VERSION, 3.11
# by default), which `lane.sh --only wheel` makes and has installed the wheel into. Paths of this
# system are reached as Z:\..., and the environment is handed on.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=$root/build/windows/${PYTHON_VERSION:-3.11}/python

# Outside the tree: it has a link to /, which searches of the tree would follow.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spreadring/windows
export WINEPREFIX=${WINEPREFIX:-$cache/prefix-$(echo "$root" | sha256sum | cut -c-8)}
# Wine's own Mono and browser are not needed, and it must not ask for them.
export WINEDLLOVERRIDES='mscoree,mshtml=' WINEDEBUG=${WINEDEBUG:--all}
# Those of this system's Python would lead the one of Windows astray.
unset PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PYTHONSTARTUP VIRTUAL_ENV
export PYTHONUTF8=1 PYTHONUNBUFFERED=1

mkdir -p "$WINEPREFIX"
touch "$WINEPREFIX" # What has not been used for long is removed.
if [ ! -f "$WINEPREFIX/.ready" ]; then
    wineboot --init >/dev/null 2>&1 </dev/null || true
    wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1 </dev/null
    wineserver --wait
    touch "$WINEPREFIX/.ready"
fi
# Without a server that stays, each program would start and end one, seconds each time.
# The first program starts the services of Windows, which keep its streams open until they end.
wineserver --persistent=60 </dev/null >/dev/null 2>&1 || true
wine cmd.exe /c rem </dev/null >/dev/null 2>&1 || true

program=$1
shift
for candidate in "$home/$program.exe" "$home/Scripts/$program.exe"; do
    if [ -f "$candidate" ]; then program=$candidate; fi
done
# The interpreter refuses regular files for its streams, but takes pipes.
exec 3> >(cat)
readers=($!)
exec 4> >(cat >&2 3>&-)
readers+=($!)
status=0
wine "$program" "$@" </dev/null >&3 2>&4 3>&- 4>&- || status=$?
exec 3>&- 4>&-
# All that it wrote has then been handed on; but not without end, for a process that it left behind
# may keep its streams open.
for reader in "${readers[@]}"; do
    timeout 10 tail --pid="$reader" --sleep-interval=0.05 --follow /dev/null || true
done
exit $status
