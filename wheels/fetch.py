"""Run pip for what wheels are made with and tried with: `fetch.py download|install ARGUMENT ...`.

Exit status: 0; 77 when nothing answers, or the index has no version at all of what is asked for;
1 for everything else that fails. A file whose hash is another than the one that is written down
is such a failure, and so is a version that has gone.
"""

import re
import subprocess
import sys

UNAVAILABLE = 77
TAMPERED = "DO NOT MATCH THE HASHES"
# What pip says of a package that its index does not have, and of one that does not answer.
UNREACHABLE = re.compile(
    r"\(from versions: none\)"
    r"|NameResolutionError|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError"
    r"|Connection (refused|reset|broken|aborted)|ConnectionResetError|RemoteDisconnected",
    re.IGNORECASE,
)


def status_of(said: str) -> int:
    """Return the exit status for what pip said when it failed."""
    if TAMPERED in said or not UNREACHABLE.search(said):
        return 1
    return UNAVAILABLE


def main() -> None:
    pip = [sys.executable, "-m", "pip", *sys.argv[1:], "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(pip, check=False, stderr=subprocess.PIPE, encoding="utf-8")
    print(done.stderr, end="", file=sys.stderr)
    if done.returncode != 0:
        sys.exit(status_of(done.stderr))


if __name__ == "__main__":
    main()
