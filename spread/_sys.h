/* One interface to the operating system; the poller, the reactor and its datagrams use it. */
#ifdef _WIN32
#include "_sys_win32.h"
#else
#include "_sys_posix.h"
#endif
