"""Probes: what is encoded is decoded, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.errors import ArgumentError, PeerError
from spread.monitor.probes import (
    EVERYBODY,
    SIZE_MAX,
    SIZE_MIN,
    Probe,
    Way,
    decode_probe,
    encode_probe,
    is_probe,
)
from spread.monitor.queries import Kind, Query, encode_query

PROBES = st.builds(
    Probe,
    run=st.integers(0, 2**32 - 1),
    sender=st.integers(0, 127),
    target=st.integers(0, 127) | st.just(EVERYBODY),
    way=st.sampled_from(Way),
    size=st.integers(SIZE_MIN, 3000) | st.just(SIZE_MAX),
    is_whole=st.booleans(),
    sent_ns=st.integers(0, 2**64 - 1),
)
PROBE = Probe(7, 1, 2, Way.TOKEN, 100)


@given(PROBES)
def test_a_probe_comes_out_as_it_went_in_and_has_its_size(probe: Probe) -> None:
    data = encode_probe(probe)

    assert len(data) == probe.size
    assert is_probe(data)
    assert decode_probe(data) == probe


@given(st.binary(max_size=200))
def test_anything_else_is_refused(data: bytes) -> None:
    try:
        probe = decode_probe(data)
    except PeerError:
        return
    assert encode_probe(probe) == data


@given(PROBES, st.data())
def test_a_probe_that_was_cut_is_refused(probe: Probe, data: st.DataObject) -> None:
    whole = encode_probe(probe)
    size = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(PeerError):
        decode_probe(whole[:size])


@given(st.integers(0, 99), st.integers(0, 255))
def test_a_probe_with_a_changed_byte_is_refused_or_another_probe(place: int, byte: int) -> None:
    data = bytearray(encode_probe(PROBE))
    data[place] = byte

    try:
        found = decode_probe(bytes(data))
    except PeerError:
        return
    assert found.size == PROBE.size
    assert place < SIZE_MIN or byte == 0


@pytest.mark.parametrize("size", [SIZE_MIN - 1, SIZE_MAX + 1])
def test_a_size_that_no_probe_has_is_refused(size: int) -> None:
    with pytest.raises(ArgumentError):
        encode_probe(Probe(1, 0, 1, Way.DATA, size))


def test_a_query_is_no_probe() -> None:
    assert not is_probe(encode_query(Query(1, Kind.PROBE, {"do": "facts"})))
