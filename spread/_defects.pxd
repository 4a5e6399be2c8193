"""Rules that a test build (SPREAD_DEFECTS=1) can switch off, one bit each; see docs/defects.md."""

from libc.stdint cimport uint32_t

cdef extern from "_defects.h" nogil:
    bint HAS_DEFECTS
    bint has_defect(uint32_t defects, int bit)

cdef enum:
    DEFECT_SAFE_AT_ONCE = 0          # SAFE does not wait until everybody has it.
    DEFECT_SAFE_IN_OLD_RING = 1      # The regular walk does not stop at the first unstable SAFE.
    DEFECT_STABLE_IS_MOST = 2        # Stable is what anybody has, not what everybody has.
    DEFECT_TOKEN_TWICE = 3           # A copy of a token is visited like a new one.
    DEFECT_INSTALL_ALONE = 4         # Installs when done itself, not when everybody is.
    DEFECT_DELIVER_BEHIND_HOLES = 5  # Behind a hole, packets of every daemon are delivered.
    DEFECT_NO_REWIND = 6             # A message sent in part is not sent again.
    DEFECT_KEEP_HALVES = 7           # Halves of messages survive the installation.
    DEFECT_SKIP_GAPS = 8             # A missing packet is skipped, not waited for.
    DEFECT_ONCE_PER_GROUP = 10       # A message to several groups is delivered twice.
    DEFECT_DROP_FOR_SLOW = 11        # A slow receiver loses a message instead of its session.
    DEFECT_DROP_WHEN_HELD = 12       # What clients send while requests are held is dropped.
    DEFECT_DROP_UNRELIABLE = 13      # UNRELIABLE messages of the transitional part are dropped.
    DEFECT_REPEAT_WALK = 14          # A second attempt walks over what the first has delivered.
    DEFECT_DROP_SAFE_IN_WALK = 15    # Unstable SAFE messages of the transitional part are dropped.
    DEFECT_SIGNAL_LATE = 16          # The whole walk comes before the transitional configuration.
    DEFECT_FORGET_COMMIT = 17        # Obligations do not change when recovery is done.
