"""The asyncio client and the real daemon."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

import spread
from spread.aio import AsyncMailbox, Event, Reconnected, Reconnection
from tests.daemon.harness.process import Daemon

TIMEOUT = 30.0  # Seconds; only a failing test waits that long.

AsyncTest = Callable[..., Coroutine[Any, Any, None]]


def runs(test: AsyncTest) -> Callable[..., None]:
    """Run a test in an event loop, for a bounded time."""

    @wraps(test)
    def run(**arguments: object) -> None:
        asyncio.run(asyncio.wait_for(test(**arguments), 4 * TIMEOUT))

    return run


def payload_of(event: Event) -> bytes:
    assert isinstance(event, spread.Message)
    return event.payload


async def next_membership(mailbox: AsyncMailbox) -> spread.Membership:
    event = await mailbox.receive(TIMEOUT)
    assert isinstance(event, spread.Membership)
    return event


@pytest.mark.parametrize("form", ["{}", "{}@localhost", "spread://127.0.0.1:{}/"])
@runs
async def test_daemon_is_reached_by_each_form_of_its_address(daemon: Daemon, form: str) -> None:
    async with spread.aio.connect(form.format(daemon.port), "me", timeout=TIMEOUT) as mailbox:
        assert mailbox.private_group == "#me#d1"


@runs
async def test_two_mailboxes_talk_and_see_each_other(daemon: Daemon) -> None:
    address = str(daemon.port)
    async with spread.aio.connect(address, "alice") as alice:
        await alice.join("g")
        await next_membership(alice)
        async with spread.aio.connect(address, "bob") as bob:
            await bob.join("g")
            both = await next_membership(alice)
            await next_membership(bob)
            await bob.multicast(spread.SAFE_MESS, "g", "hello", 7)
            heard = [await alice.receive(TIMEOUT), await bob.receive(TIMEOUT)]
        gone = await next_membership(alice)

    assert both.members == ("#alice#d1", "#bob#d1")
    assert [payload_of(event) for event in heard] == [b"hello"] * 2
    assert (gone.cause, gone.changed_member) == (spread.Cause.DISCONNECT, "#bob#d1")


@runs
async def test_burst_through_a_small_inbox_arrives_in_order(daemon: Daemon) -> None:
    count = 20_000
    address = f"{daemon.port}@localhost"
    async with spread.aio.connect(address, "me", inbox_size=20_000) as mailbox:

        async def send() -> None:
            for number in range(count):
                await mailbox.multicast(
                    spread.FIFO_MESS, mailbox.private_group, number.to_bytes(4) + bytes(200)
                )
                if number % 100 == 0:
                    await asyncio.sleep(0)

        sending = asyncio.create_task(send())
        received = []
        async for event in mailbox:
            received.append(int.from_bytes(payload_of(event)[:4]))
            if len(received) == count:
                break
        await sending

    assert received == list(range(count))


@runs
async def test_nothing_sent_is_lost_by_leaving_with_unread_input(daemon: Daemon) -> None:
    address = f"{daemon.port}@localhost"
    async with spread.aio.connect(address, "listener", membership=False) as listener:
        await listener.join("g")
        async with spread.aio.connect(address, "speaker", membership=False) as speaker:
            await speaker.join("g")
            for number in range(500):
                await speaker.multicast(spread.FIFO_MESS, "g", bytes(1000), number)

        received = [await listener.receive(TIMEOUT) for _ in range(500)]

    assert [event.mess_type for event in received if isinstance(event, spread.Message)] == list(
        range(500)
    )


@runs
async def test_name_in_use_is_refused(daemon: Daemon) -> None:
    async with spread.aio.connect(str(daemon.port), "alice"):
        with pytest.raises(spread.NameNotUniqueError):
            await spread.aio.connect(str(daemon.port), "alice")


@runs
async def test_restarted_daemon_gets_its_clients_and_their_groups_back(tmp_path: Path) -> None:
    first = await asyncio.to_thread(Daemon.start, tmp_path, "SocketPortReuse = ON")
    arguments = ["-c", str(tmp_path / "spread.conf"), "-n", "d1"]
    policy = Reconnection(delay_s=0.01, delay_s_max=0.1)
    async with spread.aio.connect(f"{first.port}@localhost", "me", reconnect=policy) as mailbox:
        await mailbox.join("g")
        before = await next_membership(mailbox)
        first.signal(signal.SIGTERM)
        await asyncio.to_thread(first.wait)
        while mailbox.is_connected:
            await asyncio.sleep(0.001)
        with pytest.raises(spread.SessionInterruptedError):
            await mailbox.multicast(spread.SAFE_MESS, "g", b"into the gap")

        second = await asyncio.to_thread(Daemon.start_with, tmp_path, arguments, first.port)
        reconnected = await mailbox.receive(TIMEOUT)
        after = await next_membership(mailbox)
        await mailbox.multicast(spread.SAFE_MESS, "g", b"after the gap")
        heard = await mailbox.receive(TIMEOUT)

    await asyncio.to_thread(second.stop)
    assert isinstance(reconnected, Reconnected)
    assert reconnected.groups == ("g",)
    assert after.members == before.members == ("#me#d1",)
    assert after.group_id != before.group_id
    assert payload_of(heard) == b"after the gap"
