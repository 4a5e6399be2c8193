/* Waits of the poller that end between two ticks of the system: Windows.
 *
 * A wait of WSAPoll ends with a tick, each 15.6 ms. Since 2018 the system has timers that do not
 * keep to ticks, but none of them ends a WSAPoll; what waits for a timer waits for sockets only by
 * an event object. So
 *
 *   - all sockets share one event, however many they are: it is set when something happens to one of
 *     them, and does not tell to which;
 *   - the event is cleared, WSAPoll asked without waiting, and only if nothing is ready the event
 *     and the timer are waited for; then WSAPoll tells what happened.
 *
 * Nothing is missed: the event is set when something arrives, and again by the call that reads if
 * something is left; WSAPoll tells of what was there before. For writing it is set when a socket has
 * room again that has refused a write, and by the call that begins to ask for that if it has room.
 * A socket is asked about writing only as long as WSAPoll is: some systems set the event again and
 * again while there is room. An event that nothing comes of ends a wait early, which is allowed.
 *
 * A wait costs four calls so instead of one, and five when something comes. Those that may end with
 * a tick should use WSAPoll; what this way might miss on a strange system, or of a socket that did
 * not get the event, is seen by them.
 *
 * Older systems have no such timer. There all waits are of WSAPoll, and the system is asked for a
 * tick each millisecond, for which the whole host sleeps less deeply. So they are under Wine, whose
 * timers keep to milliseconds, and whose server keeps the sockets of a process that is killed just as
 * a WSAPoll ends: their ports stay taken. Of WSAPoll alone fewer end, for most of them wait.
 */
#ifndef SPREAD_SYS_WIN32_WAITS_H
#define SPREAD_SYS_WIN32_WAITS_H

#include <winsock2.h>
#include <windows.h>
#include <timeapi.h>
#include <stdint.h>

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION /* Newer than some headers. */
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

typedef struct {
    HANDLE happened; /* NULL without such timers. */
    HANDLE timer;
} sys_waits;

#define SYS_TIMER_STEP_NS 100

static inline void sys_waits_close(sys_waits *waits)
{
    if (waits->happened)
        CloseHandle(waits->happened);
    else
        timeEndPeriod(1);
    if (waits->timer)
        CloseHandle(waits->timer);
    waits->happened = waits->timer = NULL;
}

static inline int sys_waits_open(sys_waits *waits)
{
    waits->happened = waits->timer = NULL;
    if (!GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version"))
        waits->timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
                                              TIMER_ALL_ACCESS);
    if (waits->timer)
        waits->happened = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!waits->happened)
        timeBeginPeriod(1);
    return waits->happened != NULL;
}

static inline void sys_waits_watch(sys_waits *waits, const WSAPOLLFD *entry)
{
    long happenings = FD_CLOSE;
    if (entry->events & POLLRDNORM)
        happenings |= FD_READ | FD_ACCEPT;
    if (entry->events & POLLWRNORM)
        happenings |= FD_WRITE;
    if (waits->happened)
        WSAEventSelect(entry->fd, waits->happened, happenings);
}

static inline void sys_waits_forget(sys_waits *waits, SOCKET socket)
{
    if (waits->happened)
        WSAEventSelect(socket, NULL, 0);
}

static inline int sys_poll_exactly(sys_waits *waits, WSAPOLLFD *entries, size_t count,
                                   int64_t timeout_ns)
{
    HANDLE ends[2];
    LARGE_INTEGER due;
    int ready;
    ResetEvent(waits->happened);
    ready = count > 0 ? WSAPoll(entries, (ULONG)count, 0) : 0;
    if (ready != 0)
        return ready;
    due.QuadPart = -((timeout_ns + SYS_TIMER_STEP_NS - 1) / SYS_TIMER_STEP_NS);
    if (!SetWaitableTimer(waits->timer, &due, 0, NULL, NULL, FALSE))
        return -1;
    ends[0] = waits->happened;
    ends[1] = waits->timer;
    if (WaitForMultipleObjects(2, ends, FALSE, INFINITE) != WAIT_OBJECT_0)
        return 0;
    return count > 0 ? WSAPoll(entries, (ULONG)count, 0) : 0;
}

#endif
