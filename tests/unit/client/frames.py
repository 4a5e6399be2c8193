"""Frames as a daemon sends them, built field by field and independent of the code under test."""

import struct
from collections.abc import Sequence

__all__ = ["data", "header", "name_field", "network_view", "reject", "self_left", "signal", "view"]

MARKER = 0x80000080
VIEW = 0x1000
NETWORK = 0x1800
TRANSITION = 0x2000
SELF_LEFT = 0x0200
REJECT = 0x00400000
GROUP_ID = (0x7F000001, 0x6B02DC52, 1)


def name_field(name: str | bytes) -> bytes:
    """Return a name in its 32 bytes."""
    raw = name if isinstance(name, bytes) else name.encode()
    return raw.ljust(32, b"\0")


def header(  # noqa: PLR0913 - the fields of the wire.
    type_bits: int,
    name: str | bytes,
    group_count: int,
    mess_type: int,
    body_size: int,
    *,
    order: str = "<",
    sender_order: str = "<",
) -> bytes:
    """Return 48 bytes; `order` is the daemon's byte order, `sender_order` that of the hint."""
    marker = MARKER if order == "<" else 0
    hint = (mess_type & 0xFFFF) << 8 | (MARKER if sender_order == "<" else 0)
    return (
        struct.pack(f"{order}I", type_bits | marker)
        + name_field(name)
        + struct.pack(f"{order}i", group_count)
        + struct.pack(f"{sender_order}I", hint)
        + struct.pack(f"{order}i", body_size)
    )


def data(  # noqa: PLR0913 - the fields of the wire.
    payload: bytes,
    *,
    type_bits: int = 0x10,
    sender: str | bytes = "#alice#d1",
    groups: Sequence[str | bytes] = ("grp",),
    mess_type: int = 0,
    order: str = "<",
    sender_order: str = "<",
) -> bytes:
    """Return a data message."""
    start = header(
        type_bits,
        sender,
        len(groups),
        mess_type,
        len(payload),
        order=order,
        sender_order=sender_order,
    )
    return start + b"".join(name_field(group) for group in groups) + payload


def view(
    cause: int,
    group: str,
    members: Sequence[str],
    changed: str,
    *,
    group_id: tuple[int, int, int] = GROUP_ID,
    order: str = "<",
) -> bytes:
    """Return a view after a join, leave or disconnect."""
    body = struct.pack(f"{order}IIIIII", *group_id, 1, 0, 1) + name_field(changed)
    start = header(VIEW | cause, group, len(members), 0, len(body), order=order)
    return start + b"".join(map(name_field, members)) + body


def network_view(
    group: str, vs_sets: Sequence[Sequence[str]], own: int, *, order: str = "<"
) -> bytes:
    """Return a view after a network change; `own` is the index of the receiver's set."""
    sets = [
        struct.pack(f"{order}I", len(each)) + b"".join(map(name_field, each)) for each in vs_sets
    ]
    offset = sum(map(len, sets[:own]))
    body = struct.pack(f"{order}IIIII", *GROUP_ID, len(sets), offset) + b"".join(sets)
    members = [member for each in vs_sets for member in each]
    start = header(NETWORK, group, len(members), 0, len(body), order=order)
    return start + b"".join(map(name_field, members)) + body


def signal(group: str, *, group_id: tuple[int, int, int] = GROUP_ID, order: str = "<") -> bytes:
    """Return a transitional signal."""
    body = struct.pack(f"{order}III", *group_id)
    return header(TRANSITION, group, 0, 0, len(body), order=order) + body


def self_left(group: str) -> bytes:
    """Return the message that ends a membership by request."""
    return header(SELF_LEFT, group, 0, 0, 0)


def reject(old_type: int, groups: Sequence[str], payload: bytes = b"", mess_type: int = 0) -> bytes:
    """Return a request that the daemon sends back; the last group is the sender."""
    start = header(REJECT, groups[-1], len(groups), mess_type, len(payload))
    old = struct.pack("<I", old_type | MARKER)
    return start + old + b"".join(map(name_field, groups)) + payload
