"""What the tests of the lane came to: `ran.py LIST RESULTS`.

LIST names the arguments of pytest, RESULTS is what its `--junit-xml` has written. Prints why tests
were skipped, and how many for each reason. Exits non-zero when a file or a folder of the list had
no test that ran.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree


def listed(text: str) -> list[str]:
    """Return the files and folders among the arguments, as modules and packages."""
    paths = [line for line in text.splitlines() if line.startswith("tests/")]
    return [path.removesuffix(".py").replace("/", ".") for path in paths]


def is_in(test: str, part: str) -> bool:
    """Whether a test belongs to a module or a package."""
    return test == part or test.startswith(f"{part}.")


def results(text: str) -> tuple[Counter[str], list[str]]:
    """Return how often there was which reason to skip, and the classes or modules that ran."""
    reasons: Counter[str] = Counter()
    ran = []
    for case in ElementTree.fromstring(text).iter("testcase"):
        skipped = case.find("skipped")
        if skipped is None:
            ran.append(case.get("classname") or case.get("name", ""))
        else:
            reasons[skipped.get("message", "")] += 1
    return reasons, ran


def without_tests(parts: Iterable[str], ran: Iterable[str]) -> list[str]:
    """Return those modules and packages of which nothing ran."""
    found = set(ran)
    return [part for part in parts if not any(is_in(test, part) for test in found)]


def main() -> None:
    listing, written = (Path(each).read_text(encoding="utf-8") for each in sys.argv[1:])
    reasons, ran = results(written)
    for reason, count in reasons.most_common():
        print(f"{count:5} skipped: {reason}")
    if missing := without_tests(listed(listing), ran):
        sys.exit(f"no test ran of {', '.join(missing)}")


if __name__ == "__main__":
    main()
