REASON_TEXTS: tuple[str, ...]
BAD_FRAME: int
ENDED_BY_DAEMON: frozenset[int]
