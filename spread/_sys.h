/* One interface to the operating system; the poller, the reactor and its datagrams use it. */
#ifndef SPREAD_SYS_H
#define SPREAD_SYS_H

#ifdef _WIN32
#include "_sys_win32.h"
#else
#include "_sys_posix.h"
#endif

static inline int sys_is_aborted(sys_socket socket)
{
    char byte;
    return recv(socket, &byte, 1, MSG_PEEK) < 0 && !sys_would_block() && !sys_was_interrupted();
}

#endif
