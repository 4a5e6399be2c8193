"""What the libraries of the recorded clients returned to their applications.

The vector files keep it as text; here it becomes values that an object of ours can be compared
with. Results with short buffers and those of the Java client are of another kind and left out.
"""

import json
import re
from dataclasses import dataclass

from tests.daemon.harness.transcript import VECTORS

__all__ = ["Delivery", "connect_codes", "deliveries"]

DELIVERY = re.compile(
    r"SP_receive\(max_groups=100, max_mess_len=200000\) returned (?P<size>\d+) "
    r"service_type=0x(?P<service_type>[0-9a-f]+) sender=(?P<sender>.*?) num_groups=\d+ "
    r"groups=\[(?P<groups>.*?)\] mess_type=(?P<mess_type>-?\d+) endian_mismatch=(?P<endian>[01])"
    r"(?: data='(?P<data>.*)')?"
    r"(?: memb_info: ret=1(?: changed_member='(?P<changed>.*?)' num_vs_sets=\d+ .*?"
    r"my_vs_set_index=(?P<own_set>\d+) (?P<vs_sets>vs\[0\].*))?)?"
)
VS_SET = re.compile(r"vs\[\d+\]=\((.*?)\)")
CONNECT = re.compile(r"SP_connect returned (-?\d+)")


@dataclass(frozen=True)
class Delivery:
    """One message as libspread handed it out."""

    service_type: int
    sender: str  # The group, in membership messages.
    groups: tuple[str, ...]  # The members, in membership messages.
    mess_type: int
    endian: int
    size: int
    data: str | None  # None: too long to be recorded, or of a membership message.
    changed_member: str = ""
    vs_sets: tuple[tuple[str, ...], ...] = ()
    own_set: tuple[str, ...] = ()


def deliveries(name: str, who: str) -> list[Delivery]:
    """Return what client `who` of the file `name` received, in order."""
    matches = (DELIVERY.fullmatch(text) for text in _texts(name, who))
    return [_delivery(match) for match in matches if match is not None]


def connect_codes(name: str, who: str) -> list[int]:
    """Return the results of the client's SP_connect calls."""
    matches = (CONNECT.match(text) for text in _texts(name, who))
    return [int(match[1]) for match in matches if match is not None]


def _texts(name: str, who: str) -> list[str]:
    record = json.loads((VECTORS / f"{name}.json").read_text())
    return [item["text"] for item in record.get("api", []) if item["who"] == who]


def _delivery(match: re.Match[str]) -> Delivery:
    vs_sets = tuple(_names(found) for found in VS_SET.findall(match["vs_sets"] or ""))
    return Delivery(
        service_type=int(match["service_type"], 16),
        sender=match["sender"],
        groups=_names(match["groups"]),
        mess_type=int(match["mess_type"]),
        endian=int(match["endian"]),
        size=int(match["size"]),
        data=match["data"],
        changed_member=match["changed"] or "",
        vs_sets=vs_sets,
        own_set=vs_sets[int(match["own_set"])] if vs_sets else (),
    )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(listed.split(",")) if listed else ()
