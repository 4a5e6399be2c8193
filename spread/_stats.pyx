"""Counters of one node: one line and one meaning each; monitor and metrics are made from this."""

COUNTERS = (
    ("frames_in", "messages and requests read from clients"),
    ("bytes_in", "bytes read from clients"),
    ("messages_delivered", "data messages that reached their place in the order"),
    ("deliveries", "copies of data messages queued for sessions"),
    ("bytes_out", "bytes written to clients"),
    ("requests", "joins, leaves and disconnects that reached their place in the order"),
    ("rejects", "messages and requests sent back to their sender"),
    ("notices", "membership messages queued for sessions"),
    ("unrouted", "data messages without a receiver at this daemon"),
    ("reads", "read calls on client connections"),
    ("writes", "write calls on client connections"),
    ("turns", "turns of the event loop"),
    ("sessions_opened", "connections taken in"),
    ("sessions_accepted", "connections that became sessions"),
    ("ended_kill", "sessions that disconnected"),
    ("ended_lost", "sessions whose connection was lost"),
    ("ended_bad_frame", "sessions closed for a malformed message header"),
    ("ended_slow", "sessions closed because too much waited for them"),
    ("ended_memory", "sessions closed because all queues together were full"),
    ("ended_stalled", "sessions closed for holding memory that others waited for"),
    ("ended_refused", "connections refused by the handshake or its deadline"),
    ("ended_shutdown", "sessions closed by the stop of the daemon"),
    ("congestions", "times that reading from clients was paused for memory"),
    ("strangers", "datagrams dropped because no daemon of this ring sent them"),
)
"""Name and meaning of each counter, in the order of `_stats.pxd`."""

if len(COUNTERS) != STAT_COUNT:
    raise AssertionError("every counter has a name and a meaning")
