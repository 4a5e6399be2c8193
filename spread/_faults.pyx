"""Faults of a network, for tests; the contract stands in `_faults.pxd`."""

import re

from cython cimport final
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from spread._buffers cimport buffer_acquire, buffer_release, class_for
from spread.errors import ConfigurationError

cdef enum:
    NS_PER_MS = 1000000
    # What is held back for another order comes this much later at most: a local network's round.
    REORDER_NS_MAX = 2 * NS_PER_MS
    DELAY_MS_MAX = 60000

_SHARE = r"(?:0(?:\.\d+)?|1(?:\.0+)?)"
_NUMBER = r"\d+(?:\.\d+)?"
_FORMS = {
    "loss": _SHARE,
    "dup": _SHARE,
    "reorder": _SHARE,
    "delay_ms": f"{_NUMBER}(?::{_NUMBER})?",
    "seed": r"\d{1,18}",
    "size": r"\d{1,5}",
    "buffer": r"\d{1,9}",
    "offload": r"yes|no",
}


def _parse(text):
    """Return the values by name, as text. Raises ConfigurationError."""
    values = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name in values or name not in _FORMS:
            raise ConfigurationError(
                f"faults {text!r}: {part.strip()!r} is none; give each of "
                f"{', '.join(_FORMS)} at most once, as in loss=0.05,delay_ms=5:20,seed=1"
            )
        if re.fullmatch(_FORMS[name], value) is None:
            raise ConfigurationError(
                f"faults {text!r}: {value!r} is no value of {name}; shares are 0 to 1, "
                "delays milliseconds or two of them with a colon between, size and buffer bytes, "
                "offload yes or no"
            )
        values[name] = value
    return values


def _delays_ms(text, value):
    least, _, most = value.partition(":")
    delays = float(least), float(most or least)
    if not delays[0] <= delays[1] <= DELAY_MS_MAX:
        raise ConfigurationError(
            f"faults {text!r}: delays of {value} ms; write the smaller first, "
            f"and none above {DELAY_MS_MAX}"
        )
    return delays


cdef uint64_t threshold(double share) noexcept:
    """Return the bound below which random 64-bit numbers are `share` of all."""
    if share >= 1:
        return <uint64_t>-1
    return <uint64_t>(share * 18446744073709551616.0)


@final
cdef class Faults:
    """Faults that the text names, from the seed that it gives."""

    def __init__(self, str text not None):
        values = _parse(text)
        least, most = _delays_ms(text, values.get("delay_ms", "0"))
        self.text = text
        self.state = int(values.get("seed", "0"))
        self.loss = threshold(float(values.get("loss", "0")))
        self.duplication = threshold(float(values.get("dup", "0")))
        self.reordering = threshold(float(values.get("reorder", "0")))
        self.delay_min_ns = round(least * NS_PER_MS)
        self.delay_max_ns = round(most * NS_PER_MS)
        self.size_max = int(values.get("size", "65507"))
        self.buffer = int(values["buffer"]) if "buffer" in values else None
        self.offload = values.get("offload", "yes") == "yes"

    def __dealloc__(self):
        free(self.held)

    cdef uint64_t random(self) noexcept nogil:
        """Return 64 random bits: splitmix64, whose only state is a counter."""
        self.state += <uint64_t>0x9E3779B97F4A7C15
        cdef uint64_t mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
        mixed = (mixed ^ (mixed >> 27)) * <uint64_t>0x94D049BB133111EB
        return mixed ^ (mixed >> 31)

    cdef int64_t delay(self) noexcept nogil:
        cdef int64_t delay_ns = self.delay_min_ns
        if self.delay_max_ns > delay_ns:
            delay_ns += <int64_t>(self.random() % <uint64_t>(self.delay_max_ns - delay_ns + 1))
        if self.random() < self.reordering:
            delay_ns += 1 + <int64_t>(self.random() % REORDER_NS_MAX)
        return delay_ns

    cdef uint32_t draw(self, uint32_t size, int64_t* delays_ns) noexcept nogil:
        if size > self.size_max:
            return 0
        if self.random() < self.loss:
            return 0
        cdef uint32_t count = 1 + (self.random() < self.duplication)
        cdef uint32_t index
        for index in range(count):
            delays_ns[index] = self.delay()
        return count

    cdef int hold(
        self, Pool* pool, const Buffer* buffer, uint32_t offset, uint32_t size, uint32_t source,
        int64_t due_ns,
    ) noexcept nogil:
        if self.reserve() < 0:
            return -1
        # The buffer that it arrived in is a large one, whatever its size.
        cdef Buffer* copy = buffer_acquire(pool, class_for(size))
        if copy == NULL:
            return -1
        memcpy(copy.data, buffer.data + offset, size)
        copy.size = size
        self.number += 1
        self.held[self.held_count] = Held(copy, size, source, due_ns, self.number)
        self.held_count += 1
        self.rise(self.held_count - 1)
        return 0

    cdef int reserve(self) noexcept nogil:
        """Make room for one more."""
        if self.held_count < self.held_capacity:
            return 0
        cdef uint32_t capacity = max(<uint32_t>64, 2 * self.held_capacity)
        if capacity > HELD_MAX:
            return -1
        cdef Held* grown = <Held*>realloc(self.held, capacity * sizeof(Held))
        if grown == NULL:
            return -1
        self.held = grown
        self.held_capacity = capacity
        return 0

    cdef bint take(self, int64_t now_ns, Held* held) noexcept nogil:
        if self.held_count == 0 or self.held[0].due_ns > now_ns:
            return False
        held[0] = self.held[0]
        self.held_count -= 1
        self.held[0] = self.held[self.held_count]
        self.sink()
        return True

    cdef int64_t next_due(self) noexcept nogil:
        return self.held[0].due_ns if self.held_count > 0 else 0

    cdef void clear(self, Pool* pool) noexcept nogil:
        cdef uint32_t index
        for index in range(self.held_count):
            buffer_release(pool, self.held[index].buffer)
        self.held_count = 0

    # -- The heap ---------------------------------------------------------------------------------

    cdef bint is_before(self, uint32_t first, uint32_t second) noexcept nogil:
        cdef const Held* one = &self.held[first]
        cdef const Held* other = &self.held[second]
        if one.due_ns != other.due_ns:
            return one.due_ns < other.due_ns
        return one.number < other.number

    cdef void swap(self, uint32_t first, uint32_t second) noexcept nogil:
        cdef Held held = self.held[first]
        self.held[first] = self.held[second]
        self.held[second] = held

    cdef void rise(self, uint32_t index) noexcept nogil:
        while index > 0 and self.is_before(index, (index - 1) // 2):
            self.swap(index, (index - 1) // 2)
            index = (index - 1) // 2

    cdef void sink(self) noexcept nogil:
        cdef uint32_t index = 0
        cdef uint32_t child = 1
        while child < self.held_count:
            if child + 1 < self.held_count and self.is_before(child + 1, child):
                child += 1
            if not self.is_before(child, index):
                return
            self.swap(index, child)
            index = child
            child = 2 * index + 1

    # -- Face for Python --------------------------------------------------------------------------

    def describe(self):
        """Return the faults in force, in the form that the constructor takes."""
        return self.text
