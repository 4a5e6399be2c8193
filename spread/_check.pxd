"""Invariants that must hold if this package made no mistake, also where Python is not available.

`check` prints what broke and aborts: going on would hand out wrong order or freed memory. What a
peer or a client sends is never checked this way; it is validated and answered.
"""

from libc.stdio cimport fprintf, stderr
from libc.stdlib cimport abort


cdef inline void check(bint condition, const char* what_must_hold) noexcept nogil:
    if not condition:
        fprintf(stderr, "spread: broken invariant: %s\n", what_must_hold)
        abort()
