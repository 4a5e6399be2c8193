"""Parts of the data plane in loops without the interpreter, for the micro benchmarks.

Each function does a piece of work `count` times and returns a number that is wrong when the work
was not done. What is prepared before the loop is not worth measuring: a round takes 100 us or more.
"""

from cython cimport final
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from spread._buffers cimport (
    BUFFER_SMALL, Buffer, Pool, buffer_acquire, buffer_release, pool_close, pool_open,
)
from spread._frames cimport (
    FRAME_HEADER_SIZE, FRAME_OK, GROUP_NAME_SIZE, OFFSET_SENDER, Frame, frame_check,
    frame_normalise, frame_read, frame_size, name_size,
)
from spread._packets cimport (
    KIND_DATA, NO_FRAME, PACKET_HEADER_SIZE, PACKET_OK, Packet, packet_read, packet_write,
)
from spread._routes cimport (
    Routes, routes_add, routes_close, routes_find, routes_open, routes_remove,
)
from spread._submissions cimport SUBMIT_OK, Submissions, submissions_open
from spread._window cimport (
    WINDOW_INSERTED, WINDOW_SLOTS, Window, WindowEntry, window_at, window_close, window_discard,
    window_insert, window_open,
)


def walk_frames(uint8_t[::1] data, uint64_t size_max):
    """Read, check and normalise every frame of a client's bytes; returns how many there are."""
    cdef uint8_t* at = &data[0]
    cdef uint64_t left = data.shape[0]
    cdef uint64_t size
    cdef uint32_t count = 0
    cdef Frame frame
    cdef size_t private_size = name_size(at + OFFSET_SENDER)
    with nogil:
        while left >= FRAME_HEADER_SIZE:
            frame_read(at, &frame)
            if frame_check(at, &frame, at + OFFSET_SENDER, private_size, size_max) != FRAME_OK:
                break
            frame_normalise(at, &frame)
            size = frame_size(&frame)
            if size > left:
                break
            at += size
            left -= size
            count += 1
    return count


@final
cdef class PacketLoop:
    """A window of a ring, and packets to put into it."""

    cdef Pool pool
    cdef Window window

    def __cinit__(self):
        pool_open(&self.pool)
        if window_open(&self.window, &self.pool) < 0:
            raise MemoryError

    def __dealloc__(self):
        window_close(&self.window)
        pool_close(&self.pool)

    def pass_through(self, uint32_t count, uint32_t swapped):
        """Hold packets, look at each in order, give up what is read; returns those looked at.

        Runs of `swapped` packets arrive backwards, as behind a hole; with 1 all come in order.
        """
        cdef uint64_t base = self.window.aru + 1
        cdef uint64_t end = base + count
        cdef uint64_t seq
        cdef uint32_t seen = 0
        cdef uint32_t i
        cdef WindowEntry entry
        if not 1 <= swapped <= WINDOW_SLOTS or count % swapped:
            raise ValueError(f"{count} packets are no runs of {swapped} that fit into the window")
        memset(&entry, 0, sizeof(entry))
        with nogil:
            while base < end:
                for i in range(swapped):
                    entry.buffer = buffer_acquire(&self.pool, BUFFER_SMALL)
                    if window_insert(
                        &self.window, base + swapped - 1 - i, &entry
                    ) != WINDOW_INSERTED:
                        buffer_release(&self.pool, entry.buffer)
                for seq in range(base, base + swapped):
                    seen += window_at(&self.window, seq).buffer != NULL
                base += swapped
                window_discard(&self.window, base - 1)
        return seen


@final
cdef class RouteLoop:
    """A routing table with one session in each of some groups."""

    cdef Routes routes
    cdef bytes names                # Fields of 32 bytes.
    cdef uint32_t count

    def __cinit__(self, names):
        if routes_open(&self.routes, 1) < 0:
            raise MemoryError
        self.names = b"".join(name.ljust(GROUP_NAME_SIZE, b"\0") for name in names)
        self.count = len(names)

    def __dealloc__(self):
        routes_close(&self.routes)

    def add_all(self):
        """Enter every group; returns the number of routes."""
        cdef const uint8_t* fields = self.names
        cdef uint32_t i
        with nogil:
            for i in range(self.count):
                if routes_add(
                    &self.routes, fields + GROUP_NAME_SIZE * i,
                    name_size(fields + GROUP_NAME_SIZE * i), 0, False,
                ) < 0:
                    break
        return self.routes.used

    def remove_all(self):
        """Leave every group; returns the number of routes."""
        cdef const uint8_t* fields = self.names
        cdef uint32_t i
        with nogil:
            for i in range(self.count):
                routes_remove(
                    &self.routes, fields + GROUP_NAME_SIZE * i,
                    name_size(fields + GROUP_NAME_SIZE * i), 0, False,
                )
        return self.routes.used

    def find(self, uint32_t count):
        """Look up groups all over the table; returns how many were found."""
        cdef const uint8_t* fields = self.names
        cdef uint32_t found = 0
        cdef uint32_t i
        with nogil:
            for i in range(count):
                # A step that is prime to every table size, so that neighbours are far apart.
                found += routes_find(
                    &self.routes, fields + GROUP_NAME_SIZE * (<uint64_t>i * 7919 % self.count)
                ) != NULL
        return found


@final
cdef class PackLoop:
    """A stream of submissions that become packets."""

    cdef Pool pool
    cdef Submissions submissions

    def __cinit__(self, uint32_t payload_max):
        pool_open(&self.pool)
        self.submissions = submissions_open(&self.pool, payload_max)

    def __dealloc__(self):
        # It gives its buffers back before the pool closes.
        self.submissions = None
        pool_close(&self.pool)

    def pack(self, const uint8_t[::1] frame, size_t head_size, uint32_t count):
        """Submit a frame `count` times and take the packets; returns their bytes of frames."""
        cdef const uint8_t* data = &frame[0]
        cdef size_t size = frame.shape[0]
        cdef Submissions submissions = self.submissions
        cdef Buffer* packet
        cdef uint64_t taken = 0
        cdef uint32_t _i
        if head_size > size:
            raise ValueError(f"a head of {head_size} bytes in a frame of {size}")
        with nogil:
            for _i in range(count):
                if submissions.append(data, head_size, size) != SUBMIT_OK:
                    break
            submissions.seal()
            packet = submissions.take()
            while packet != NULL:
                taken += packet.size - PACKET_HEADER_SIZE
                buffer_release(&self.pool, packet)
                packet = submissions.take()
        return taken


def seal_packets(uint8_t[::1] datagram, uint32_t count):
    """Write the header of a DATA packet, checksum included, over and over; returns `count`."""
    cdef uint8_t* data = &datagram[0]
    cdef uint32_t size = datagram.shape[0]
    cdef uint32_t i
    cdef Packet packet
    if size <= PACKET_HEADER_SIZE:
        raise ValueError(f"{size} bytes hold no packet with a payload")
    memset(&packet, 0, sizeof(packet))
    packet.kind = KIND_DATA
    packet.tail = NO_FRAME
    with nogil:
        for i in range(count):
            packet.number = i + 1
            packet_write(data, size, &packet, 1)
    return packet.number


def open_packets(const uint8_t[::1] datagram, uint32_t count):
    """Check and read the header of a packet over and over; returns how often it was sound."""
    cdef const uint8_t* data = &datagram[0]
    cdef uint32_t size = datagram.shape[0]
    cdef uint32_t sound = 0
    cdef uint32_t _i
    cdef Packet packet
    with nogil:
        for _i in range(count):
            sound += packet_read(&packet, data, size, 1, 1) == PACKET_OK
    return sound
