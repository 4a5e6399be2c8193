"""Damaged configuration files against the reader, in this process.

A file is either read or refused with located errors. Anything else that escapes is a crash; what
takes more than a few seconds is a hang.
"""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from spread.config import ConfigurationErrors, parse
from tests.fuzz.mutation import Mutator
from tests.fuzz.tally import Tally

__all__ = ["fuzz_configurations"]

CORPUS = Path(__file__).resolve().parents[1] / "vectors" / "config"
CORPUS_FILE_SIZE_MAX = 300  # Bytes; the long ones only repeat what the short ones have.
WARM_UP = 2_000  # Inputs after which caches are full.
PARSE_TIMEOUT = 10.0  # Seconds.

WORDS = (
    b"Spread_Segment",
    b"127.0.0.255:4803",
    b"127.0.0.1",
    b"{",
    b"}",
    b"=",
    b"!",
    b"#",
    b'"',
    b"'",
    b"\n",
    b"\t",
    b" ",
    b"\r\n",
    b"\0",
    b"\xff",
    b"C",
    b"D",
    b"M",
    b"d1",
    b"true",
    b"off",
    b"60",
    b"4294967296",
    b"1234567",
    b"256.1.1.1",
    b"DebugFlags",
    b"ALL",
    b"EventPriority",
    b"pDEBUG",
    b"EventTimeStamp",
    b"EventPreciseTimeStamp",
    b"MaxSessionMessages",
    b"MaxMessageSize",
    b"HandshakeTimeout",
    b"Window",
    b"TokenTimeout",
    b"RouteMatrix",
    b"LinkProtocol",
    b"Hop",
    b"AccessControlPolicy",
    b"PERMIT",
    b"AllowedAuthMethods",
    b"SocketPortReuse",
    b"auto",
)


class _LonelyHost:
    """A host with a loopback interface and no name service: the same answers on every machine."""

    def local_addresses(self) -> tuple[str, ...]:
        return ("127.0.0.1",)

    def own_name_addresses(self) -> tuple[str, ...]:
        return ()

    def look_up(self, name: str) -> str | None:
        return "127.0.0.1" if name.startswith("local") else None

    def meaningless_options(self) -> dict[str, str]:
        return {}

    def log_problem(self, path: str) -> str | None:
        return "no such directory" if "/" in path else None


class _TooSlowError(Exception):
    """Reading one file took longer than any file may take."""


def fuzz_configurations(count: int, seed: int) -> Tally:
    """Read `count` files, most of them damaged."""
    tally = Tally("config", seed)
    before = signal.signal(signal.SIGALRM, _too_slow)
    try:
        for number, text in enumerate(_inputs(seed)):
            if number == WARM_UP:
                tally.resident_before = _resident_bytes()
            if number == count or not tally.is_clean:
                break
            _read(tally, text)
    finally:
        signal.signal(signal.SIGALRM, before)
    if tally.resident_before:
        tally.resident_after = _resident_bytes()
    return tally


def _read(tally: Tally, text: bytes) -> None:
    signal.setitimer(signal.ITIMER_REAL, PARSE_TIMEOUT)
    try:
        parse(text, "fuzzed.conf", host=_LonelyHost())
        tally.count("read")
    except ConfigurationErrors:
        tally.count("refused")
    except _TooSlowError:
        tally.count("too slow")
        tally.hang(repr(text))
    except Exception as error:  # Whatever the reader lets escape is what this run looks for.
        tally.count("escaped")
        tally.crash(f"{error!r} from {text!r}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_slow(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise _TooSlowError


def _inputs(seed: int) -> Iterator[bytes]:
    mutator = Mutator(seed)
    choose = mutator.choose
    files = [path.read_bytes() for path in sorted(CORPUS.glob("*.conf"))]
    corpus = [text for text in files if len(text) <= CORPUS_FILE_SIZE_MAX]
    while True:
        text = choose.choice(corpus)
        if mutator.often(0.2):
            text += choose.choice(corpus)
        for _ in range(choose.choice((0, 1, 1, 2, 4))):
            text = _with_word(mutator, text) if mutator.often(0.5) else mutator.damaged(text)
        yield text


def _with_word(mutator: Mutator, text: bytes) -> bytes:
    """Put a word of the language somewhere, in the place of nothing or of another word."""
    choose = mutator.choose
    place = choose.randrange(len(text) + 1)
    word = choose.choice(WORDS)
    if mutator.often(0.5):
        word = b" " + word + b" "
    return text[:place] + word + text[place + choose.choice((0, 0, len(word))) :]


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
