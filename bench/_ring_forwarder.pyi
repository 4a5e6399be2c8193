from collections.abc import Sequence

class RingPump:
    def __init__(
        self,
        listener: int,
        fd: int,
        *,
        hosts: Sequence[tuple[int, int]],
        own: int,
        targets: Sequence[tuple[int, int]],
        segment_size: int,
        has_offload: bool,
        window: int,
    ) -> None: ...
    def add(self, fd: int) -> None: ...
    def run(self) -> None: ...
    @property
    def problem(self) -> tuple[int, int, int] | None: ...
