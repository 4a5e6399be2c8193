"""Datagram calls of Linux as the limits of the path use them.

Segmentation offload is a property of the socket here: with UDP_SEGMENT set to a size, a longer
message leaves as datagrams of that size; with UDP_GRO set, datagrams of one sender that arrive
together are read as one.
"""

from libc.stdint cimport uint16_t, uint32_t

from bench._wire cimport iovec

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        uint32_t s_addr             # network order
    struct sockaddr_in:
        unsigned short sin_family
        uint16_t sin_port           # network order
        in_addr sin_addr
    uint32_t htonl(uint32_t value)
    uint16_t htons(uint16_t value)
    int AF_INET

cdef extern from "<sys/socket.h>" nogil:
    int MSG_WAITFORONE
    struct udp_message "msghdr":
        void* msg_name
        unsigned int msg_namelen
        iovec* msg_iov
        size_t msg_iovlen
    struct mmsghdr:
        udp_message msg_hdr
        unsigned int msg_len        # bytes that the call has moved
    int sendmmsg(int fd, mmsghdr* messages, unsigned int count, int flags)
    int recvmmsg(int fd, mmsghdr* messages, unsigned int count, int flags, void* timeout)

cdef enum:
    DATAGRAM_SIZE_MAX = 65535       # what one read may bring, coalesced or not
