/* One interface to the operating system; the reactor's poller and the reactor include it. */
#ifdef _WIN32
#include "_sys_win32.h"
#else
#include "_sys_posix.h"
#endif
