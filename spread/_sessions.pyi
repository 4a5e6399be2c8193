REASON_TEXTS: tuple[str, ...]
