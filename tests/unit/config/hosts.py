"""A host that knows what a test says, in place of the real one."""

from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ScriptedHost:
    """Implements `HostView`; every host has the loopback address, unless a test says otherwise."""

    local: tuple[str, ...] = (LOOPBACK,)
    own_name: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=lambda: {"localhost": LOOPBACK})
    unwritable: tuple[str, ...] = ()
    meaningless: dict[str, str] = field(default_factory=dict)

    def local_addresses(self) -> tuple[str, ...]:
        return self.local

    def own_name_addresses(self) -> tuple[str, ...]:
        return self.own_name

    def look_up(self, name: str) -> str | None:
        return self.names.get(name)

    def meaningless_options(self) -> dict[str, str]:
        return self.meaningless

    def log_problem(self, path: str) -> str | None:
        return "no such directory" if path.startswith(self.unwritable) else None
