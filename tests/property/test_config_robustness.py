"""Whatever the bytes: a configuration, or errors that each name a place in the file."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from spread.config import ConfigurationErrors, Diagnostic, parse
from tests.unit.config.hosts import ScriptedHost

# A busy machine is no failure.
unhurried = settings(deadline=None, max_examples=300)

VECTORS = Path(__file__).parents[1] / "vectors" / "config"
SAMPLES = [path.read_bytes() for path in sorted(VECTORS.glob("*.conf"))]

FRAGMENTS = [
    *(b"{", b"}", b"=", b"!", b'"', b"'", b"#", b"\n", b" ", b":", b"\x00", b"\xff"),
    *(b"Spread_Segment ", b"127.0.0.255:4803 ", b"127.0.0.1 ", b" alpha ", b" D ", b" 5 "),
    *(b" Window = ", b" 60\n", b" DebugFlags = { ", b" PRINT ", b" RouteMatrix { ", b" true "),
    *(b" EventTimeStamp ", b" MaxMessageSize = ", b" AllowedAuthMethods = ", b' "IP" '),
]

fragments = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(b"".join)


@st.composite
def damaged_samples(draw: st.DrawFn) -> bytes:
    """A recorded file with a few bytes cut out, doubled or replaced."""
    data = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 30)))
        part = draw(st.sampled_from([b"", data[start:end] * 2]) | fragments | st.binary(max_size=5))
        data = data[:start] + part + data[end:]
    return data


def errors_of(data: bytes) -> tuple[Diagnostic, ...]:
    try:
        parse(data, "spread.conf", host=ScriptedHost())
    except ConfigurationErrors as errors:
        return errors.diagnostics
    return ()


@unhurried
@given(st.binary(max_size=300) | fragments | damaged_samples())
@example(b"{" * 2000)
@example(b"Spread_Segment 127.0.0.1 { a {" + b" D" * 500)
@example(b"RouteMatrix { " + b"1" * 5000 + b" }")
@example(b"DebugFlags = {" + b"!" * 500)
def test_any_bytes_are_a_configuration_or_errors_in_the_file(data: bytes) -> None:
    lines = data.split(b"\n")

    for error in errors_of(data):
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert str(error).isprintable()
        assert error.message
        assert error.remedy


@unhurried
@given(st.binary(max_size=300) | fragments | damaged_samples())
def test_errors_come_in_file_order_and_once(data: bytes) -> None:
    errors = errors_of(data)

    assert [(each.line, each.column) for each in errors] == sorted(
        (each.line, each.column) for each in errors
    )
    assert len(set(errors)) == len(errors)


SEGMENT = "Spread_Segment 127.0.0.255:4803 {\n alpha 127.0.0.1\n}\n"

# One error each, at a line and column within the text.
MISTAKES = [
    ("Window = x\n", 1, 10),
    ("Window=60\n", 1, 1),
    ("Windoww = 60\n", 1, 1),
    ("PersonalWindow =\nLinkProtocol = Hop\n", 2, 1),
    ("DebugFlags = { PRINT HOP }\n", 1, 22),
    ("DebugFlags = PRINT\n", 1, 14),
    ("EventPriority = { INFO }\n", 1, 17),
    ("}\n", 1, 1),
    ("some words that were a comment\n", 1, 1),
    ("Spread_Segment {\n a1 127.0.1.1\n}\n", 1, 16),
    ("Spread_Segment 127.0.0.255 5 {\n a2 127.0.1.2\n}\n", 1, 28),
    ("Spread_Segment 127.0.0.255 {\n a3 127.0.1.3 { D }\n}\n", 2, 19),
    ("Spread_Segment 127.0.0.255 {\n Window = 60\n a4 127.0.1.4\n}\n", 2, 2),
    ("Spread_Segment 127.0.0.255 {\n STATUS 127.0.1.5\n}\n", 2, 2),
    ("Spread_Segment 127.0.0.256 {\n a6 127.0.1.6\n}\n", 1, 16),
    ("Spread_Segment 127.0.0.255 {\n}\n", 1, 1),
    ("RouteMatrix = { 0 0 0 0 0 0 0 0 0 0 \n}\n", 1, 13),
    ("AccessControlPolicy = NONESUCH\n", 1, 23),
    ("MaxMessageSize = 5\n", 1, 18),
]


@unhurried
@given(
    st.lists(st.sampled_from(MISTAKES), unique=True, min_size=1, max_size=8),
    st.integers(0, 8),
)
def test_independent_errors_are_all_reported_and_nothing_else(
    mistakes: list[tuple[str, int, int]], segment_place: int
) -> None:
    parts = list(mistakes)
    parts.insert(segment_place, (SEGMENT, 0, 0))
    text = ""
    expected = []
    for part, line, column in parts:
        if line:
            expected.append((text.count("\n") + line, column))
        text += part
    text += "# the end\nLinkProtocol = Hop\n"

    errors = errors_of(text.encode())

    assert [(each.line, each.column) for each in errors] == expected
