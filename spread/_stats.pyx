"""Counters of one node by index; the definitions stand in `spread.counters`."""

from spread.counters import NODE, names_of

COUNTERS = names_of(NODE)
"""Name and meaning of each counter, in the order of `_stats.pxd`."""

if len(COUNTERS) != STAT_COUNT:
    raise AssertionError("every counter has a name and a meaning")
