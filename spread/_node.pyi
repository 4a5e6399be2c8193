from typing import final

from spread._member import Member
from spread._recorder import Recorder
from spread.daemon.membership.settings import NetworkSettings, RingSettings
from spread.daemon.upcalls import Upcalls

@final
class Node(Member):
    def __init__(
        self,
        upcalls: Upcalls,
        *,
        route_seed: int,
        session_messages_max: int,
        session_bytes_max: int,
        session_messages_exact: bool,
        queued_bytes_max: int,
        inbound_bytes_max: int,
        payload_max: int = 65472,
        ring: RingSettings | None = None,
    ) -> None: ...
    def submit_state(self, body: bytes) -> None: ...
    def hold_requests(self, is_held: bool) -> None: ...
    def open_session(self) -> int: ...
    def accept(
        self,
        index: int,
        private_group: bytes,
        *,
        frame_size_max: int,
        asks_policy: bool,
        wants_membership: bool = False,
    ) -> None: ...
    def reply(self, index: int, data: bytes) -> None: ...
    def refuse(self, index: int) -> None: ...
    def end(self, index: int) -> None: ...
    def departed(self, index: int) -> None: ...
    def add_route(self, group: bytes, index: int) -> None: ...
    def remove_route(self, group: bytes, index: int) -> None: ...
    def is_watched(self, group: bytes) -> bool: ...
    def tell(self, group: bytes, frame: bytes) -> None: ...
    def send(self, slots: list[int], frame: bytes) -> None: ...
    def set_monitors(self, networks: list[tuple[int, int]]) -> None:
        """Know monitors of these networks, pairs of address and mask: strangers are hardly heard.

        At most 1024 networks are known; whoever is in a later one is a stranger.
        """
    def set_partition(self, components: tuple[int, ...], until_ns: int) -> None:
        """Hear no daemon of another component than the own one until then; () hears all again.

        `components` has a number for each configured daemon.
        """
    def set_recorder(self, recorder: Recorder | None) -> None:
        """Note every datagram there from here on; None for nowhere."""
    def set_limits(
        self,
        *,
        session_messages_max: int,
        session_bytes_max: int,
        session_messages_exact: bool,
        queued_bytes_max: int,
        inbound_bytes_max: int,
    ) -> None:
        """Change the bounds of queues, as the constructor takes them; nothing queued is dropped."""
    def set_windows(self, base: tuple[int, int, int], most: tuple[int, int, int]) -> None:
        """Change the windows from the next visit of the token on, as they begin and at most.

        Both are window, personal window and accelerated window in packets.
        """
    def set_accelerated(self, is_accelerated: bool) -> None:
        """Let the token go on before the last packets of a visit, or behind all of them."""
    def ring_is_interruptible(self) -> bool:
        """Whether the ring may be given up now: nothing interrupts its walk to the next one."""
    def ring_renumber(self, network: NetworkSettings, *, multicast: bool) -> bool:
        """Take other numbers for the daemons in a ring of one at rest; False if it is not."""
    def set_deadline(self, when_ns: int) -> None: ...
    def statistics(self) -> dict[str, int]: ...
    def session_statistics(self, index: int) -> tuple[int, int]: ...
