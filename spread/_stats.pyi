COUNTERS: tuple[tuple[str, str], ...]
