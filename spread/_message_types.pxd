"""Objects that a client receives: data messages, membership messages, ids of views.

All are made and filled in by the decoder and never changed afterwards. The attributes without
underscore are the public ones; `_message_types.pyi` says what each means.
"""

cimport cython
from libc.stdint cimport uint32_t

cdef enum:
    TYPE_CAUSE = 0x00000F00      # Mask of the four causes.
    TYPE_VIEW = 0x00001000
    TYPE_TRANSITION = 0x00002000


@cython.final
cdef class GroupId:
    # The three words as the daemon wrote them, in host order; only equality has a meaning.
    cdef uint32_t _address
    cdef uint32_t _time
    cdef uint32_t _index


@cython.final
cdef class Message:
    cdef readonly str sender
    cdef readonly tuple groups
    cdef readonly bytes payload
    cdef readonly int mess_type              # Signed, 16 bits.
    cdef readonly uint32_t service_type      # Without marker bits.
    cdef readonly bint endian_mismatch


@cython.final
cdef class Membership:
    cdef readonly str group
    cdef readonly tuple members
    cdef readonly GroupId group_id           # None in a self-leave.
    cdef readonly str changed_member
    cdef readonly tuple vs_sets              # Of tuples of str.
    cdef readonly tuple vs_set               # The receiver's own.
    cdef readonly int own_index              # -1: not in `members`.
    cdef readonly uint32_t service_type      # Without marker bits.
