"""Sockets and the poll loop around a `Node`: the only file that does I/O.

One turn: wait; some clients, until a packet is full; datagrams of the ring; what the other clients
have sent, at most TURN_BYTES_MAX; `Node.turn`, sending its datagrams and then writing whatever is
dirty each time it asks; close what has ended.
What the ring waits for leaves before anything is written to clients. Nothing here decides about
messages.

Invariants
    a connection's descriptor is owned here from `adopt` until it is closed
    a connection is watched for writing exactly while its last write found it full, unless detached
    a connection is not watched for reading while the node does not want its input
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from spread._datagrams cimport Datagrams
from spread._node cimport Node
from spread._poller cimport Event, Poller
from spread._sys cimport sys_socket

cdef enum:
    # Bytes read between two turns: bounds what a turn can queue for one receiver before it is
    # offered a write.
    TURN_BYTES_MAX = 1024 * 1024
    WRITE_SLICES_MAX = 128      # Entries of one gather-write.
    DRAIN_READS_MAX = 64        # Reads of what a broken connection still holds.


cdef struct Connection:
    sys_socket socket
    uint32_t epoch              # Of the slot, to tell stale events.
    uint32_t interest
    bint is_open
    bint is_paused              # In the list of those whose input is not wanted.
    bint is_detached            # Gone while its input is not wanted: not watched at all.


cdef class Reactor:
    cdef Node node
    cdef Datagrams datagrams
    cdef bint has_ring             # Of several daemons; then `datagrams` is there.
    cdef Poller poller
    cdef Connection* connections   # Owned, by slot.
    cdef uint32_t connection_count
    cdef uint8_t* input_buffer     # Owned; shared by all reads.
    cdef uint32_t* paused          # Owned list of slots, as long as the table.
    cdef uint32_t paused_count
    cdef dict watched              # Descriptor -> callback.
    cdef object failure
    cdef bint is_stopping
    cdef bint is_draining
    cdef int64_t now_ns
    cdef int64_t busy_ns           # So long after an event the loop does not sleep.
    cdef int64_t event_ns          # When the last event was seen, while busy_ns is not 0.
    cdef uint64_t memory_mark      # Most bytes of buffers in use since memory was given back.
    cdef uint64_t turn_bytes       # Read since the last turn of the node.

    cdef int grow(self, uint32_t count) except -1
    cdef void loop(self) noexcept nogil
    cdef void wait(self, int64_t timeout_ns) noexcept nogil
    cdef int poll_busily(self, Event* events, int64_t timeout_ns) noexcept nogil
    cdef int64_t timeout_ns(self) noexcept nogil
    cdef int read_ahead(self, const Event* events, int count) noexcept nogil
    cdef void serve_ring(self, const Event* events, int count) noexcept nogil
    cdef void dispatch(self, const Event* event) noexcept nogil
    cdef void dispatch_input(self, uint32_t index, bint is_broken) noexcept nogil
    cdef void read(self, uint32_t index) noexcept nogil
    cdef int64_t read_once(self, uint32_t index) noexcept nogil
    cdef void pause(self, uint32_t index) noexcept nogil
    cdef void resume_paused(self) noexcept nogil
    cdef void attach(self, uint32_t index) noexcept nogil
    cdef void take_datagrams(self, sys_socket descriptor) noexcept nogil
    cdef void finish_turn(self) noexcept nogil
    cdef void trim_memory(self) noexcept nogil
    cdef void write_dirty(self) noexcept nogil
    cdef void write(self, uint32_t index) noexcept nogil
    cdef int64_t write_once(self, uint32_t index) noexcept nogil
    cdef void connection_broken(self, uint32_t index) noexcept nogil
    cdef void close_ended(self) noexcept nogil
    cdef void close_connection(self, uint32_t index) noexcept nogil
    cdef void watch_for(self, uint32_t index, uint32_t interest) noexcept nogil
    cdef void call_watched(self, uint64_t token) noexcept with gil
    cdef void call_failed_waits(self, int error) noexcept with gil
    cdef void call_report(self) noexcept with gil
    cdef void fail(self, object error) noexcept
