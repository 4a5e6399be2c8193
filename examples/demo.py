"""Start a daemon without a configuration file, let clients meet in a group, and measure a rate.

Run it with `make demo`, or with any Python that has the package: `python examples/demo.py`.
"""

import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import spread

START_S = 20
RATE_S = 2.0
WINDOW = 4000
"""Messages on their way at a time, so that nobody is overrun."""
BATCH = 1000
"""Messages that the receiver takes between two answers to the sender."""


def free_port() -> int:
    """Find a port that is free together with the next one, which the daemon uses, too."""
    while True:
        with socket.socket() as probe, socket.socket() as following:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            try:
                following.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def wait_until_ready(daemon: subprocess.Popen[str]) -> None:
    """Show what the daemon says until clients can connect; then read on in the background."""
    assert daemon.stdout is not None
    for line in daemon.stdout:
        print(f"  daemon | {line.rstrip()}")
        if "daemon ready" in line:
            threading.Thread(target=daemon.stdout.read, daemon=True).start()
            return
    raise SystemExit(f"the daemon ended with status {daemon.wait()}")


def next_membership(mailbox: spread.Mailbox) -> spread.Membership:
    """Return the next membership message."""
    while True:
        message = mailbox.receive(timeout=10)
        if isinstance(message, spread.Membership):
            return message


def next_text(mailbox: spread.Mailbox) -> tuple[str, str]:
    """Return sender and text of the next data message."""
    while True:
        message = mailbox.receive(timeout=10)
        if isinstance(message, spread.Message):
            return message.sender, message.payload.decode()


def show_view(who: str, membership: spread.Membership) -> None:
    names = ", ".join(membership.members) or "nobody: I have left"
    print(f"  {who:5} | sees in {membership.group!r}: {names}")


def meet(address: str) -> None:
    """Three clients join, talk, and see each other come and go."""
    with ExitStack() as stack:
        alice = stack.enter_context(spread.connect(address, "alice"))
        bob = stack.enter_context(spread.connect(address, "bob"))
        carol = stack.enter_context(spread.connect(address, "carol"))
        present: list[tuple[str, spread.Mailbox]] = []
        for who, mailbox in (("alice", alice), ("bob", bob), ("carol", carol)):
            print(f"\n{who} joins")
            mailbox.join("tea")
            present.append((who, mailbox))
            for name, member in present:
                show_view(name, next_membership(member))

        print("\nalice and bob speak at the same time; everybody gets one order")
        alice.multicast(spread.AGREED_MESS, "tea", "milk first")
        bob.multicast(spread.AGREED_MESS, "tea", "tea first")
        for name, member in present:
            heard = [next_text(member) for _ in range(2)]
            said = ", then ".join(f"{sender} {text!r}" for sender, text in heard)
            print(f"  {name:5} | {said}")

        print("\nbob leaves, carol disconnects")
        bob.leave("tea")
        show_view("bob", next_membership(bob))
        show_view("alice", next_membership(alice))
        show_view("carol", next_membership(carol))
        carol.disconnect()
        show_view("alice", next_membership(alice))


def send(address: str) -> None:
    """The sending half of the measurement: BATCH messages for every answer of the receiver."""
    with spread.connect(address, "source", membership=False) as source:
        payload = b"x" * 100
        budget = WINDOW
        while True:
            for _ in range(budget):
                source.multicast(spread.AGREED_MESS, "rate", payload)
            answer = source.receive(timeout=10)
            if not isinstance(answer, spread.Message) or answer.payload != b"more":
                return
            budget = BATCH


def measure(address: str) -> None:
    """One process sends 100-byte messages, this one receives them."""
    with spread.connect(address, "sink") as sink:
        sink.join("rate")
        next_membership(sink)
        with subprocess.Popen([sys.executable, __file__, "--send", address]):
            source = next_text(sink)[0]
            start = time.perf_counter()
            count = 1
            while (elapsed := time.perf_counter() - start) < RATE_S:
                sink.receive(timeout=10)
                count += 1
                if count % BATCH == 0:
                    sink.multicast(spread.AGREED_MESS, source, b"more")
            sink.multicast(spread.AGREED_MESS, source, b"enough")
    print(
        f"\none Python process sends to another, 100 bytes each:\n"
        f"  {count:,} messages in {elapsed:.2f} s = {count / elapsed:,.0f} messages/s, in order"
    )


def main() -> None:
    port = free_port()
    command = [sys.executable, "-m", "spread", "--local", "--port", str(port)]
    print("$ spread --local --port", port)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as daemon:
        killer = threading.Timer(START_S, daemon.kill)
        killer.start()
        try:
            wait_until_ready(daemon)
            killer.cancel()
            meet(f"{port}@localhost")
            measure(f"{port}@localhost")
        finally:
            killer.cancel()
            daemon.terminate()
            status = daemon.wait(10)
    print(f"\nthe daemon has stopped with status {status}; nothing is left running")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(sys.argv[2])
    else:
        main()
