from typing import final

@final
class Faults:
    """Faults of a network, made on arriving datagrams, and of a host; for tests only.

    The text is a list of `name=value` with commas between:

        loss=0.05        share of datagrams that are dropped
        dup=0.01         share that comes twice
        reorder=0.02     share that is held back so that later ones overtake it
        delay_ms=5:20    every datagram comes so much later, drawn between the two
        seed=1           where the random numbers begin; without it, 0
        size=1472        larger datagrams are dropped
        buffer=8192      bytes that sockets for datagrams are asked to hold
        offload=no       datagrams are neither sent nor received joined

    Raises ConfigurationError for anything else.
    """

    def __init__(self, text: str) -> None: ...
    @property
    def buffer(self) -> int | None: ...
    @property
    def offload(self) -> bool: ...
    def describe(self) -> str:
        """Return the faults in force, in the form that the constructor takes."""
