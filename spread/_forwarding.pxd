"""How packets reach the other segments: once, and never on from there.

Who sends a DATA or a MEASURE packet sends it to its own segment, and to one member of each other
segment, the first in the order of the ring. That one forwards it into its segment and marks the
copy.

A copy that is marked goes no further: where two segments are one network in fact, each forwarder
hears what the other one has forwarded, and the two would send it to and fro for ever. There each
also overhears what is sent to it, too; so DATA that a forwarder has forwarded is not forwarded a
second time, except with FLAG_RETRANS, since somebody asked for it. Whether the packet is new says
nothing about that: it may have come by a marked copy that others of the segment did not hear.
"""

cdef enum:
    FLAG_FORWARDED = 32            # DATA, MEASURE: a copy that was sent on into a segment.
