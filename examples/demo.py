"""Start a ring of three daemons, let clients meet in a group, kill a daemon, and measure a rate.

Run it with `make demo`, or with any Python that has the package: `python examples/demo.py`. On a
terminal, or with `--stay`, the ring goes on after that until Ctrl-C, and what shows it is named.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import spread

RING_SIZE = 3
WAIT_S = 30
MESSAGES = 3000
"""Numbered messages that alice sends while a daemon dies."""
KILLED_AFTER = 1000
RATE_S = 2.0
WINDOW = 4000
"""Messages on their way at a time, so that nobody is overrun."""
BATCH = 1000
"""Messages that the receiver takes between two answers to the sender."""


def free_port() -> int:
    """Find a port that is free on all addresses of the ring, together with the next one."""
    while True:
        with ExitStack() as stack:
            port = 0
            try:
                for number in range(1, RING_SIZE + 1):
                    first, second = (stack.enter_context(socket.socket()) for _ in range(2))
                    first.bind((f"127.0.0.{number}", port))
                    port = first.getsockname()[1]
                    second.bind((f"127.0.0.{number}", port + 1))
            except OSError:
                continue
            return port


class Ring:
    """The daemons as child processes of `spread --local N`; what they log is read in a thread."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._ids: dict[str, int] = {}  # Process ids of the daemons by their names.
        self._members: dict[str, int] = {}  # How many daemons each sees in its ring.
        self._changed = threading.Condition()
        self._is_stopping = False
        self._processes = [self._start("--local", str(RING_SIZE))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_stopping = True
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(WAIT_S)

    def address(self, number: int) -> str:
        return f"{self.port}@127.0.0.{number}"

    def wait_for(self, count: int) -> None:
        """Wait until `count` daemons see a ring of so many."""
        with self._changed:
            complete = self._changed.wait_for(
                lambda: list(self._members.values()).count(count) >= count, WAIT_S
            )
        if not complete:
            raise SystemExit(f"the daemons see {self._members}, not a ring of {count}")

    def kill(self, name: str) -> None:
        """End a daemon without a warning."""
        with self._changed:
            self._members.pop(name, None)
        os.kill(self._ids[name], signal.SIGKILL)

    def process_id(self, name: str) -> int:
        """Return the process id of a daemon."""
        return self._ids[name]

    def start_again(self, name: str) -> None:
        """Run one daemon of the ring, as a process of its own."""
        self._processes.append(self._start("--local", str(RING_SIZE), "-n", name, name=name))

    def _start(self, *arguments: str, name: str = "") -> subprocess.Popen[str]:
        print("$ spread", *arguments, "--port", self.port, flush=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "spread", *arguments, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(process, name), daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[str], name: str) -> None:
        """Show how the ring changes, and remember it for who waits."""
        assert process.stdout is not None
        for line in process.stdout:
            daemon, _, text = (f"{name} | {line}" if name else line).rstrip().partition(" | ")
            if "daemon cannot start" in text or line.startswith("spread: "):
                print(f"  {line.rstrip()}", flush=True)
            with self._changed:
                if found := re.match(r"daemon starts .*process=(\d+)", text):
                    self._ids[daemon] = int(found[1])
                elif found := re.match(r"membership .*daemons=(\d+)", text):
                    self._members[daemon] = int(found[1])
                    if not self._is_stopping:
                        print(f"  {daemon} | {text}", flush=True)
                self._changed.notify_all()


def next_membership(mailbox: spread.Mailbox) -> spread.Membership:
    """Return the next membership message."""
    while True:
        message = mailbox.receive(timeout=WAIT_S)
        if isinstance(message, spread.Membership):
            return message


def next_text(mailbox: spread.Mailbox) -> tuple[str, str]:
    """Return sender and text of the next data message."""
    while True:
        message = mailbox.receive(timeout=WAIT_S)
        if isinstance(message, spread.Message):
            return message.sender, message.payload.decode()


def show_view(who: str, membership: spread.Membership) -> None:
    names = ", ".join(membership.members) or "nobody: I have left"
    print(f"  {who:5} | sees in {membership.group!r}: {names}")


def meet(ring: Ring) -> None:
    """Three clients, each of another daemon, join, talk, and lose one of them."""
    with ExitStack() as stack:
        present: list[tuple[str, spread.Mailbox]] = []
        for number, who in enumerate(("alice", "bob", "carol"), start=1):
            mailbox = stack.enter_context(spread.connect(ring.address(number), who))
            print(f"\n{who}, a client of local{number}, joins")
            mailbox.join("tea")
            present.append((who, mailbox))
            for name, member in present:
                show_view(name, next_membership(member))
        alice, bob = present[0][1], present[1][1]

        print("\nalice and bob speak at the same time; everybody gets one order")
        alice.multicast(spread.AGREED_MESS, "tea", "milk first")
        bob.multicast(spread.AGREED_MESS, "tea", "tea first")
        for name, member in present:
            heard = [next_text(member) for _ in range(2)]
            said = ", then ".join(f"{sender} {text!r}" for sender, text in heard)
            print(f"  {name:5} | {said}")

        lose_a_daemon(ring, alice, bob)


def lose_a_daemon(ring: Ring, alice: spread.Mailbox, bob: spread.Mailbox) -> None:
    """Kill local3 while alice counts, and look at what bob gets."""
    print(f"\nalice counts to {MESSAGES}; at {KILLED_AFTER}, local3 is killed with kill -9")
    counting = threading.Thread(target=count_up, args=(alice,))
    counting.start()
    numbers: list[int] = []
    killed_at = 0.0
    while len(numbers) < MESSAGES:
        message = bob.receive(timeout=WAIT_S)
        if isinstance(message, spread.Message):
            numbers.append(int(message.payload))
            if len(numbers) == KILLED_AFTER:
                ring.kill("local3")
                killed_at = time.monotonic()
        elif message.kind is spread.MembershipKind.TRANSITIONAL:
            print(f"  bob   | is told behind message {numbers[-1]} that somebody is lost")
        else:
            show_view("bob", message)
            print(f"  bob   | {time.monotonic() - killed_at:.2f} s after the kill")
    counting.join()
    is_complete = numbers == list(range(1, MESSAGES + 1))
    verdict = "all of them, in order, each once" if is_complete else "NOT what was sent"
    print(f"  bob   | got {len(numbers)} messages: {verdict}")
    if not is_complete:
        raise SystemExit("messages were lost")


def count_up(mailbox: spread.Mailbox) -> None:
    """Send the numbers from 1, about one in a millisecond."""
    for number in range(1, MESSAGES + 1):
        mailbox.multicast(spread.SAFE_MESS, "tea", str(number))
        time.sleep(0.001)


def come_back(ring: Ring) -> None:
    """Start the lost daemon again and let a client of it join."""
    print("\nlocal3 comes back")
    start = time.monotonic()
    ring.start_again("local3")
    ring.wait_for(RING_SIZE)
    print(f"  a ring of three again after {time.monotonic() - start:.2f} s")


def send(address: str) -> None:
    """The sending half of the measurement: BATCH messages for every answer of the receiver."""
    with spread.connect(address, "source", membership=False) as source:
        payload = b"x" * 100
        budget = WINDOW
        while True:
            for _ in range(budget):
                source.multicast(spread.AGREED_MESS, "rate", payload)
            answer = source.receive(timeout=WAIT_S)
            if not isinstance(answer, spread.Message) or answer.payload != b"more":
                return
            budget = BATCH


def measure(ring: Ring) -> None:
    """A process at one daemon sends 100-byte messages, this one receives them at another."""
    with spread.connect(ring.address(1), "sink") as sink:
        sink.join("rate")
        next_membership(sink)
        with subprocess.Popen([sys.executable, __file__, "--send", ring.address(2)]):
            source = next_text(sink)[0]
            start = time.perf_counter()
            count = 1
            while (elapsed := time.perf_counter() - start) < RATE_S:
                sink.receive(timeout=WAIT_S)
                count += 1
                if count % BATCH == 0:
                    sink.multicast(spread.AGREED_MESS, source, b"more")
            sink.multicast(spread.AGREED_MESS, source, b"enough")
    print(
        f"\na Python process at local2 sends to one at local1, 100 bytes each, over the ring:\n"
        f"  {count:,} messages in {elapsed:.2f} s = {count / elapsed:,.0f} messages/s, in order"
    )


def stay(ring: Ring) -> None:
    """Tell what shows the ring, and keep it up until Ctrl-C."""
    programs = Path(sys.executable).parent
    with suppress(ValueError):  # Programs elsewhere are named by their whole path.
        programs = programs.relative_to(Path.cwd())
    which = f"--local {RING_SIZE} --port {ring.port}"
    print(f"""
the ring goes on; in another terminal, in this directory:
  {programs / "spmonitor"} status {which}
  {programs / "spmonitor"} web {which}      then open the page that it names
  {programs / "spmonitor"} top {which}
  {programs / "spread"} doctor {which}
  kill -9 {ring.process_id("local2")}      ends local2; the page tells what happens then
Ctrl-C ends all daemons""")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


def main(is_staying: bool) -> None:
    with Ring(free_port()) as ring:
        ring.wait_for(RING_SIZE)
        meet(ring)
        come_back(ring)
        measure(ring)
        if is_staying:
            stay(ring)
    print("\nthe daemons have stopped; nothing is left running")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(sys.argv[2])
    else:
        main("--stay" in sys.argv[1:] or sys.stdout.isatty())
