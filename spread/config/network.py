"""Turn segment statements into segments: addresses, names, limits, and what a daemon needs.

Everything here is wrong or right for the file alone, whichever daemon reads it.
"""

from dataclasses import dataclass, field

from spread.config.diagnostics import Findings, Stage, show
from spread.config.host import HostView
from spread.config.model import Daemon, Interface, Segment, Use
from spread.config.syntax import DaemonNode, InterfaceNode, SegmentNode
from spread.config.tokens import Kind, Token

__all__ = ["DEFAULT_PORT", "Network", "read_network"]

DEFAULT_PORT = 4803

# Spread's own limits; a file beyond them runs nowhere else.
SEGMENTS_MAX = 20
DAEMONS_MAX = 128
INTERFACES_MAX = 10
NAME_SIZE_MAX = 19

PORT_MODULUS = 0x1_0000

# The token's port is the one above the segment's.
PORT_MAX = 0xFFFE

EVERY_USE = Use.DAEMON | Use.CLIENT | Use.MONITOR
_USES = {b"D": Use.DAEMON, b"C": Use.CLIENT, b"M": Use.MONITOR}


@dataclass(frozen=True, slots=True)
class Network:
    """The segments, and the nodes they come from, at equal indices, daemons alike."""

    segments: tuple[Segment, ...]
    nodes: tuple[SegmentNode, ...]


@dataclass(slots=True)
class _Seen:
    """What earlier daemons of the file have taken."""

    names: dict[str, Token] = field(default_factory=dict)
    addresses: dict[str, Token] = field(default_factory=dict)
    count: int = 0


def read_network(
    nodes: tuple[SegmentNode, ...], findings: Findings, host: HostView
) -> Network | None:
    """Return the segments, or None if one of them has an error."""
    errors_before = findings.error_count
    seen = _Seen()
    segments = []
    for index, node in enumerate(nodes):
        if index == SEGMENTS_MAX:
            message = f"there are more than {SEGMENTS_MAX} segments"
            findings.error(node.keyword, message, "fewer, larger segments", Stage.PARSE)
            break
        segments.append(_SegmentReader(node, findings, host, seen).read())
    if findings.error_count > errors_before:
        return None
    return Network(tuple(segments), nodes)


class _SegmentReader:
    """Reads one segment; after an error the result is a stand-in that nobody uses."""

    def __init__(self, node: SegmentNode, findings: Findings, host: HostView, seen: _Seen) -> None:
        self._node = node
        self._findings = findings
        self._host = host
        self._seen = seen

    def read(self) -> Segment:
        node = self._node
        address, port = "", 0
        if node.address is not None:
            address, port = self._address(node.address)
            self._check_port(node.address, port)
        if not node.daemons and not node.is_damaged:
            message = "the segment has no daemons"
            remedy = 'at least one line "NAME ADDRESS" into it'
            self._error(node.keyword, message, remedy, found="an empty segment")
        daemons = []
        for index, each in enumerate(node.daemons):
            if self._seen.count == DAEMONS_MAX:
                message = f"there are more than {DAEMONS_MAX} daemons"
                self._error(each.name, message, "fewer daemons")
                break
            self._seen.count += 1
            daemons.append(self._daemon(each, index))
        return Segment(address, port or DEFAULT_PORT, tuple(daemons))

    def _daemon(self, node: DaemonNode, index: int) -> Daemon:
        name = node.name.value
        self._check_name(node.name)
        if node.address is not None:
            address, _ = self._address(node.address)
        else:
            address = self._looked_up(node, index)
        if address:
            self._check_address_is_free(node, address)
        if node.interfaces is None:
            return Daemon(name, address, (Interface(address, EVERY_USE, any=True),))
        interfaces = tuple(self._interface(each) for each in node.interfaces)
        if address and not self._node.is_damaged:
            self._check_interfaces(node, address, interfaces)
        return Daemon(name, address, interfaces)

    def _interface(self, node: InterfaceNode) -> Interface:
        address, port = self._address(node.address)
        uses = Use(0)
        for letter in node.letters:
            uses |= _USES[letter.text]
        return Interface(address, uses or EVERY_USE, port=port)

    def _address(self, token: Token) -> tuple[str, int]:
        """Return address, empty after an error, and port, 0 if there is none."""
        host, _, port = token.value.partition(":")
        octets = [int(octet) for octet in host.split(".")]
        if max(octets) > 255:
            message = "each of the four numbers of an address is at most 255"
            self._error(token, message, "an address like 192.168.1.10")
            return "", 0
        return ".".join(map(str, octets)), int(port or 0) % PORT_MODULUS

    def _check_port(self, token: Token, port: int) -> None:
        written = int(token.value.partition(":")[2] or 0)
        if port > PORT_MAX:
            message = "the token needs the next higher port, and there is none"
            self._error(token, message, f"a port of at most {PORT_MAX}")
        elif written != port:
            message = f"ports end at 65535: {port or DEFAULT_PORT} is in force"
            self._findings.warn(token, message, f"port {port or DEFAULT_PORT}")

    def _check_name(self, token: Token) -> None:
        name = token.value
        size = len(name.encode("utf-8", "surrogateescape"))
        if size > NAME_SIZE_MAX:
            message = f"a daemon name has at most {NAME_SIZE_MAX} bytes, not {size}"
            self._error(token, message, "a shorter name")
        first = self._seen.names.setdefault(name, token)
        if first is not token:
            line = self._findings.source.line(first.offset)
            message = f"line {line} has a daemon of this name already"
            self._error(token, message, "another name")

    def _check_address_is_free(self, node: DaemonNode, address: str) -> None:
        token = node.address or node.name
        first = self._seen.addresses.setdefault(address, token)
        if first is not token:
            line = self._findings.source.line(first.offset)
            message = f"the daemon in line {line} has the address {address} already"
            self._error(token, message, "another address, or one entry for this host")

    def _looked_up(self, node: DaemonNode, index: int) -> str:
        """Return the address of a daemon that is given by name alone, empty after an error."""
        address = self._host.look_up(node.name.value)
        if address is not None:
            return address
        following = self._node.daemons[index + 1 : index + 2]
        if following and self._is_mistyped_address(following[0].name, node.name):
            return ""  # That one is reported instead: it was meant as address of this one.
        if _looks_like_address(node.name):
            message = "this is no address, so it is taken for a daemon name and looked up in vain"
            remedy = "four numbers with dots between and nothing glued to them"
        else:
            message = (
                "a daemon without an address is looked up by its name, and this one is not found"
            )
            remedy = f"{node.name.value} 192.168.1.10, its name and its address"
        self._error(node.name, message, remedy)
        return ""

    def _is_mistyped_address(self, token: Token, name: Token) -> bool:
        source = self._findings.source
        on_one_line = source.line(token.offset) == source.line(name.offset)
        return on_one_line and _looks_like_address(token) and not self._host.look_up(token.value)

    def _check_interfaces(
        self, node: DaemonNode, address: str, interfaces: tuple[Interface, ...]
    ) -> None:
        """Check what a daemon with listed interfaces needs to take part in a ring."""
        name = show(node.name.text)
        served = [each.address for each in interfaces if Use.DAEMON in each.uses]
        if not interfaces:
            message = "an interface block lists at least one address"
            self._error(node.name, message, f"D C {address} into it, or no block")
        elif len(interfaces) > INTERFACES_MAX:
            message = f"a daemon has at most {INTERFACES_MAX} interfaces, not {len(interfaces)}"
            self._error(node.name, message, "fewer of them")
        elif not served:
            message = "no interface of this daemon is for other daemons"
            self._error(node.name, message, f"D {address} into its block", Stage.STARTUP)
        elif address not in {each.address for each in interfaces}:
            message = f"{name} has the address {address}, and it is not among its interfaces"
            token = node.address or node.name
            self._error(token, message, f"D {address} into its block", Stage.STARTUP)
        elif address not in served:
            message = (
                f"this address is not for daemons: token and data go to {served[0]},"
                " and classic daemons never form a ring with this"
            )
            token = node.address or node.name
            self._findings.warn(token, message, f"{served[0]} as address of {name}")

    def _error(
        self,
        token: Token,
        message: str,
        remedy: str,
        stage: Stage = Stage.PARSE,
        found: str = "",
    ) -> None:
        self._findings.error(token, message, remedy, stage, found=found)


def _looks_like_address(token: Token) -> bool:
    text = token.text
    return token.kind is Kind.WORD and text[:1].isdigit() and text.count(b".") >= 2
