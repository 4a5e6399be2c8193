"""The segment that the bare forwarder reads out of a spread.conf."""

from contextlib import suppress
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.ring_config import Ring, read_ring

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,15}", fullmatch=True)
ADDRESSES = st.ip_addresses(v=4)
COMMENTS = st.from_regex(r"#[ -~]{0,20}", fullmatch=True)
SETTINGS = st.sampled_from(
    ["EventTimeStamp", "DebugFlags = { PRINT EXIT }", "DaemonUser = root", "MaxSessionMessages = 5"]
)


@given(
    address=ADDRESSES,
    port=st.integers(1, 65534),
    hosts=st.dictionaries(NAMES, ADDRESSES, min_size=1, max_size=8),
    comment=COMMENTS,
    settings=st.lists(SETTINGS),
    has_interfaces=st.booleans(),
)
def test_segment_is_read_whatever_stands_around_it(
    address: IPv4Address,
    port: int,
    hosts: dict[str, IPv4Address],
    comment: str,
    settings: list[str],
    has_interfaces: bool,
) -> None:
    tail = " {{ {} }}" if has_interfaces else ""
    lines = [f"  {name}\t{place}{tail.format(place)} {comment}" for name, place in hosts.items()]
    text = "\n".join(
        [comment, *settings, f"Spread_Segment {address}:{port} {{", *lines, "}", *settings]
    )

    ring = read_ring(text)

    assert ring == Ring(address, port, hosts)
    assert list(ring.hosts) == list(hosts)


def test_port_is_the_usual_one_where_none_is_given() -> None:
    ring = read_ring("Spread_Segment 10.0.0.255 {\n a 10.0.0.1\n}")

    assert ring.port == 4803


@given(st.text(alphabet="Spread_Segment {}#.:\n\t0123456789abc", max_size=200))
def test_any_other_text_is_refused_by_nothing_but_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert read_ring(text).hosts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 segments"),
        ("Spread_Segment 10.0.0.255:4803 { }", "has no hosts"),
        ("Spread_Segment 10.0.0.255:4803 {\n a\n}", "'a': write a name"),
        ("Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n a 10.0.0.2\n}", "'a 10.0.0.2': write"),
        ("Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.300\n}", "10.0.0.300"),
        ("Spread_Segment 10.0.0.255:65535 {\n a 10.0.0.1\n}", "port 65535"),
        (2 * "Spread_Segment 10.0.0.255:1 {\n a 10.0.0.1\n}\n", "2 segments"),
    ],
)
def test_reason_tells_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_ring(text)


def test_host_that_the_segment_lacks_is_refused_with_those_it_has() -> None:
    ring = read_ring("Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n b 10.0.0.2\n}")

    with pytest.raises(ValueError, match="'c' is not in the segment; it has a, b"):
        ring.index("c")
