"""Daemons on loopback that read configuration files, each its own copy, as on several hosts."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spread
from spread.monitor.protocol import Command, Request, encode_request
from spread.monitor.queries import Kind

from .ports import free_port
from .process import REPOSITORY
from .questions import Questioner
from .waiting import DEADLINE, wait_until

__all__ = ["FileRing", "Member"]

QUICK = (
    # In milliseconds: daemons of one host are found at once, and missed soon if they were not.
    "TokenTimeout = 1250",
    "HurryTimeout = 500",
    "FormTimeout = 1250",
    "AliveTimeout = 100",
    "JoinTimeout = 100",
    "SegTimeout = 200",
    "RepTimeout = 300",
    "GatherTimeout = 400",
    "LookupTimeout = 2000",
)

RELOADED = "configuration reloaded"
NOT_RELOADED = "configuration not reloaded"


class Member:
    """One daemon, its directory and its file."""

    def __init__(self, number: int, port: int, directory: Path) -> None:
        self.number = number
        self.name = f"d{number}"
        self.address = f"127.0.0.{number}"
        self.port = port
        self.directory = directory
        self.file = directory / "spread.conf"
        self.process: subprocess.Popen[bytes] | None = None
        directory.chmod(0o755)  # One that root has started reads its file again as somebody else.

    def start(self, *arguments: str) -> None:
        """Start it and wait until it is ready."""
        self.launch(*arguments)
        self.wait_until_ready()

    def launch(self, *arguments: str) -> None:
        """Start it."""
        self.launch_program("spread", "-n", self.name, "-c", "spread.conf", *arguments)

    def launch_program(self, module: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> None:
        """Start another program in its place."""
        with (self.directory / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=self.directory,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        wait_until(self._is_ready, f"{self.name}, see {self.directory}")

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output()
        return "daemon ready" in self.output()

    def stop(self) -> int:
        """Stop it in order and return its status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def hang_up(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def take(self, text: str) -> str:
        """Have it read this as its file, and return what it says of that in its log."""
        self.file.write_text(text)
        before = self.output()
        count = before.count(RELOADED) + before.count(NOT_RELOADED)

        def is_told() -> bool:
            said = self.output()
            return said.count(RELOADED) + said.count(NOT_RELOADED) > count

        self.hang_up()
        wait_until(is_told, f"{self.name} to have read its file")
        return self.output()[len(before) :]

    def output(self) -> str:
        return (self.directory / "output.txt").read_text(errors="replace")

    def connect(self, name: str, **more: Any) -> spread.Mailbox:
        return spread.connect(f"{self.port}@{self.address}", name, timeout=DEADLINE, **more)

    def reload(self) -> subprocess.CompletedProcess[str]:
        """Run `spread --reload` in its directory."""
        return subprocess.run(
            [sys.executable, "-m", "spread", "-n", self.name, "-c", "spread.conf", "--reload"],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    def ask(self, kind: Kind, arguments: dict[str, object] | None = None) -> dict:
        """Return what it answers to a query."""
        # Each source has a budget, and this one asks more often than any monitor.
        with Questioner(f"127.0.1.{self.number}") as asker:
            reply = asker.ask((self.address, self.port), kind, arguments)
        assert reply.kind == kind, reply.json
        return json.loads(reply.json)

    def part(self, *components: int) -> None:
        """Have a monitor order a partition, and wait until it is carried out."""
        said = "partitioned by a monitor" if any(components) else "partition ended by a monitor"
        count = self.output().count(said)
        order = Request(Command.PARTITION, self.address, 0, components=components)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as monitor:
            monitor.sendto(encode_request(order), (self.address, self.port))
        wait_until(lambda: self.output().count(said) > count, said)

    def members(self) -> tuple[str, ...]:
        return tuple(self.ask(Kind.REPORT)["members"])


class FileRing:
    """Daemons d1, d2 ... at 127.0.0.1, 127.0.0.2 ..., all at one port."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.members: dict[int, Member] = {}

    def text(self, numbers: Iterable[int], *options: str) -> str:
        """Return the text of a file with these daemons.

        They end without a wait for the clock, and do not wait long for those that are missing.
        """
        daemons = "".join(f"    d{each} 127.0.0.{each} {{ 127.0.0.{each} }}\n" for each in numbers)
        segment = f"Spread_Segment 127.0.0.255:{self.port} {{\n{daemons}}}\n"
        return "\n".join(['StateDir = "."', *QUICK, *options, segment])

    def add(self, number: int, text: str) -> Member:
        """Make a member with this file; it is not started."""
        directory = self.directory / f"d{number}"
        directory.mkdir()
        member = self.members[number] = Member(number, self.port, directory)
        member.file.write_text(text)
        return member

    def start(self, numbers: Iterable[int], *options: str) -> list[Member]:
        """Start members with one file, and wait until they are in one ring."""
        numbers = tuple(numbers)
        text = self.text(numbers, *options)
        started = [self.add(each, text) for each in numbers]
        for each in started:
            each.launch()
        for each in started:
            each.wait_until_ready()
        self.wait_for(numbers)
        return started

    def wait_for(self, numbers: Iterable[int]) -> None:
        """Wait until these are a ring, as each of them says."""
        names = tuple(f"d{each}" for each in numbers)
        for each in names:
            member = self.members[int(each[1:])]
            wait_until(lambda member=member: member.members() == names, f"{names} at {each}")

    def close(self) -> None:
        """Stop all that run."""
        for each in self.members.values():
            if each.process is not None and each.process.poll() is None:
                each.process.terminate()
        for each in self.members.values():
            if each.process is not None:
                try:
                    each.process.wait(DEADLINE)
                finally:
                    each.process.kill()
