"""Recorded exchanges as values: the vector files of the client protocol.

The README beside the files explains their keys; `volatile` ranges are what differs between runs.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

__all__ = ["VECTORS", "Event", "Transcript", "Volatile", "load", "names"]

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "client"

Kind = Literal["ring_time", "private_name", "private_group"]


@dataclass(frozen=True, slots=True)
class Volatile:
    """A range of bytes of a unit whose content is told by `kind` instead of the recording."""

    offset: int
    size: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Event:
    """One unit of a recorded stream: bytes, or the close of one side."""

    index: int
    who: str
    direction: Literal["c2d", "d2c", "note"]
    data: bytes
    closes: bool
    note: str
    volatile: tuple[Volatile, ...]

    @property
    def kills(self) -> bool:
        """Whether this is a KILL request, in either byte order."""
        return self.direction == "c2d" and self.data[:4] in (b"\x80\0\4\x80", b"\0\4\0\0")

    @property
    def rejects(self) -> bool:
        """Whether this is the single byte of a reject code."""
        return self.direction == "d2c" and len(self.data) == 1 and self.data[0] >= 0x80


@dataclass(frozen=True, slots=True)
class Transcript:
    """One vector file."""

    name: str
    options: tuple[str, ...]  # Configuration lines without the segment.
    files: tuple[tuple[str, str], ...]  # Name and content, for the working directory.
    needs: tuple[str, ...]
    events: tuple[Event, ...]
    exact_until: int | None

    def with_events(self, *events: Event) -> "Transcript":
        return replace(self, events=events)


def names() -> list[str]:
    """Return the names of all recorded files."""
    return sorted(path.stem for path in VECTORS.glob("*.json"))


def load(name: str) -> Transcript:
    record = json.loads((VECTORS / f"{name}.json").read_text())
    lines = [line for line in record["daemon_config"] if not line.startswith("Spread_Segment")]
    return Transcript(
        name=record["name"],
        options=tuple(lines),
        files=tuple(record.get("setup", {}).get("files", {}).items()),
        needs=tuple(record.get("needs", ())),
        events=tuple(_event(index, item) for index, item in enumerate(record["events"])),
        exact_until=record.get("exact_until"),
    )


def _event(index: int, item: dict[str, Any]) -> Event:
    return Event(
        index=index,
        who=item["who"],
        direction=item["dir"],
        data=_unit(item),
        closes=bool(item.get("close")),
        note=item.get("note", ""),
        volatile=tuple(
            Volatile(entry["offset"], entry["length"], entry["kind"])
            for entry in item.get("volatile", ())
        ),
    )


def _unit(item: dict[str, Any]) -> bytes:
    if "hex" in item:
        return bytes.fromhex(item["hex"])
    return b"".join(
        bytes.fromhex(part["repeat"]) * part["count"]
        if "repeat" in part
        else bytes.fromhex(part["hex"])
        for part in item.get("parts", ())
    )
