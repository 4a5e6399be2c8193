"""Measuring how large datagrams may be: what `_path` decides is sent and answered here.

    data fills packets  ->  MEASURE to the ring   ->  MEASURED from each member  ->  larger packets

A MEASURE goes the way of data, through those who send on between segments, and always whole.
Only in a ring that is installed: one that forms sends little, and recovery's packets go in pieces.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from spread._buffers cimport Buffer
from spread._packets cimport Packet
from spread._ring cimport Ring


cdef void survey_restart(Ring ring) noexcept nogil
# This ring is installed: nothing is known of its ways.

cdef void survey_watch(Ring ring) noexcept nogil
# Begin to measure if data has filled packets since the last call.

cdef int64_t survey_deadline(Ring ring) noexcept nogil
# When to call `survey_run`, in nanoseconds; 0 for never.

cdef void survey_stop(Ring ring) noexcept nogil
# This ring is gone: nothing is measured before the next one is installed.

cdef void survey_run(Ring ring) noexcept nogil
# Send what is to be measured next, or give the size up.

cdef void survey_joined(Ring ring, const Packet* packet) noexcept nogil
# A DATA packet has come in pieces.

cdef void survey_packet(
    Ring ring, Packet* packet, Buffer* buffer, uint32_t offset, uint32_t size
) noexcept nogil
# A MEASURE or MEASURED of this ring has come, `size` bytes at `offset`.
