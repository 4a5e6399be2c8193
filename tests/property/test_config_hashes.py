"""Spread's hash against a model in C's own arithmetic."""

from ctypes import c_int8, c_uint32

from hypothesis import given, settings
from hypothesis import strategies as st

from spread.config import spread_hash

# A busy machine is no failure.
unhurried = settings(deadline=None)


def model_hash(text: bytes) -> int:
    value = c_uint32(len(text) * 0x01010101 if len(text) < 256 else 0)
    for byte in text:
        value = c_uint32(value.value + c_int8(byte).value)
        value = c_uint32(value.value * 1025)
        value = c_uint32(value.value ^ value.value // 64)
    value = c_uint32(value.value * 9)
    value = c_uint32(value.value ^ value.value // 2048)
    return c_uint32(value.value * 32769).value


@unhurried
@given(st.binary(max_size=255))
def test_hash_is_that_of_unsigned_32_bit_arithmetic_on_signed_bytes(text: bytes) -> None:
    assert spread_hash(text) == model_hash(text)
