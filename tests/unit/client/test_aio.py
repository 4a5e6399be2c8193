"""The asyncio mailbox against a peer that does what daemons do only when things go wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest

import spread
from spread.aio import AsyncMailbox, Reconnected, Reconnection
from tests.capabilities import needs_resets, needs_unix_sockets
from tests.unit.client import frames
from tests.unit.client.peer import Conversation, Peer, peer

KILL = b"\x80\x00\x04\x80"
JOIN = b"\x80\x00\x01\x80"
HEADER_SIZE = 48
REQUEST_SIZE = HEADER_SIZE + 32
DEADLINE = 20.0
EAGER = Reconnection(delay_s=0.001, delay_s_max=0.001)


@pytest.fixture
def daemon() -> Iterator[Peer]:
    with peer() as it:
        yield it


AsyncTest = Callable[..., Coroutine[Any, Any, None]]


def runs(test: AsyncTest) -> Callable[..., None]:
    """Run a test in an event loop, for a bounded time."""

    @wraps(test)
    def run(**arguments: object) -> None:
        asyncio.run(asyncio.wait_for(test(**arguments), DEADLINE))

    return run


@asynccontextmanager
async def opened(daemon: Peer, **options: Any) -> AsyncIterator[tuple[AsyncMailbox, Conversation]]:
    """A mailbox and the peer's side of it."""
    accepted = daemon.accepting()
    mailbox = await spread.aio.connect(daemon.address, "me", timeout=10, **options)
    conversation = accepted.result()
    yield mailbox, conversation
    daemon.hang_up()
    await mailbox.disconnect()


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until `condition` holds."""
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.001)


def payload_of(event: object) -> bytes:
    assert isinstance(event, spread.Message)
    return event.payload


# Connecting.


@runs
async def test_nobody_listening_is_a_connect_error() -> None:
    with pytest.raises(spread.ConnectError, match="no daemon at 1@127"):
        await spread.aio.connect("1@127.0.0.1")


@needs_unix_sockets
@runs
async def test_missing_unix_socket_is_a_connect_error() -> None:
    with pytest.raises(spread.ConnectError, match=r"/tmp/1 .*write 1@HOST"):
        await spread.aio.connect("1")


@runs
async def test_unknown_host_is_an_address_error() -> None:
    with pytest.raises(spread.AddressError, match="no IPv4 address"):
        await spread.aio.connect("4803@no-such-host.invalid")


@runs
async def test_daemon_that_never_answers_is_left_at_the_timeout(daemon: Peer) -> None:
    with pytest.raises(spread.ConnectTimeoutError, match=r"no session within 0\.05 s"):
        await spread.aio.connect(daemon.address, timeout=0.05)


@runs
async def test_refusal_is_raised_with_its_code(daemon: Peer) -> None:
    connecting = asyncio.ensure_future(_connect(daemon))
    conversation = await asyncio.to_thread(daemon.accept)
    conversation.send(b"\xfa")

    with pytest.raises(spread.NameNotUniqueError) as caught:
        await connecting

    assert caught.value.code == spread.REJECT_NOT_UNIQUE


async def _connect(daemon: Peer) -> AsyncMailbox:
    return await spread.aio.connect(daemon.address, "me")


@runs
async def test_end_during_the_handshake(daemon: Peer) -> None:
    connecting = asyncio.ensure_future(_connect(daemon))
    conversation = await asyncio.to_thread(daemon.accept)
    conversation.close()

    with pytest.raises(spread.SessionClosedError, match="during the handshake"):
        await connecting


@runs
async def test_async_with_disconnects_at_the_end(daemon: Peer) -> None:
    accepted = daemon.accepting()

    async with spread.aio.connect(daemon.address, "me") as mailbox:
        conversation = accepted.result()
        said = asyncio.create_task(asyncio.to_thread(conversation.hear_out))
        assert mailbox.private_group == "#me#d1"

    assert (await said)[:4] == KILL


# Receiving.


@runs
async def test_messages_are_received_in_order_however_many_arrive_at_once(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        conversation.send(b"".join(frames.data(bytes([number])) for number in range(200)))

        received = []
        async for event in mailbox:
            received.append(payload_of(event)[0])
            if len(received) == 200:
                break

    assert received == list(range(200))


@runs
async def test_cancelled_receive_loses_nothing(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        waiting = asyncio.create_task(mailbox.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})

        conversation.send(frames.data(b"kept"))

        assert payload_of(await mailbox.receive()) == b"kept"


@runs
async def test_receive_cancelled_in_the_turn_the_message_came_loses_nothing(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        waiting = asyncio.create_task(mailbox.receive())
        await asyncio.sleep(0)
        conversation.send(frames.data(b"kept"))
        await until(lambda: mailbox.statistics().inbox_bytes > 0 or waiting.done())
        waiting.cancel()
        taken = await asyncio.gather(waiting, return_exceptions=True)

        received = taken if isinstance(taken[0], spread.Message) else [await mailbox.receive()]

    assert payload_of(received[0]) == b"kept"


@runs
async def test_many_cancelled_receives_lose_and_repeat_nothing(daemon: Peer) -> None:
    chunks = [frames.data(number.to_bytes(2)) for number in range(500)]
    async with opened(daemon) as (mailbox, conversation):
        sending = asyncio.create_task(asyncio.to_thread(conversation.send_each, chunks))
        received: list[int] = []
        attempt = 0
        while len(received) < 500:
            waiting = asyncio.create_task(mailbox.receive())
            for _ in range(attempt % 4):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            if not waiting.cancelled():
                received.append(int.from_bytes(payload_of(waiting.result())))
            attempt += 1
        await sending

    assert received == list(range(500))


@runs
async def test_receive_gives_up_at_its_timeout_and_loses_nothing(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        frame = frames.data(b"payload")
        conversation.send(frame[:50])

        with pytest.raises(spread.ReceiveTimeoutError) as caught:
            await mailbox.receive(timeout=0.01)
        conversation.send(frame[50:])

        assert isinstance(caught.value, TimeoutError)
        assert payload_of(await mailbox.receive()) == b"payload"


@runs
async def test_several_receivers_share_the_messages(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        receivers = [asyncio.create_task(mailbox.receive()) for _ in range(5)]
        await asyncio.sleep(0)

        for number in range(5):
            conversation.send(frames.data(bytes([number])))

        received = [payload_of(event)[0] for event in await asyncio.gather(*receivers)]
        assert sorted(received) == list(range(5))


@runs
async def test_rejected_message_is_raised_once_and_receiving_goes_on(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        conversation.send(frames.reject(0x10, ["g", "#me#d1"]) + frames.data(b"next"))

        with pytest.raises(spread.MessageRejectedError):
            await mailbox.receive()

        assert payload_of(await mailbox.receive()) == b"next"


@runs
async def test_reading_pauses_when_the_inbox_is_full_and_goes_on_later(daemon: Peer) -> None:
    frame = frames.data(bytes(1000))
    count = 20_000
    async with opened(daemon, inbox_size=100_000) as (mailbox, conversation):
        sending = asyncio.create_task(asyncio.to_thread(conversation.send, frame * count))
        await until(lambda: mailbox.statistics().is_paused)
        waiting_when_paused = mailbox.statistics().inbox_bytes

        for _ in range(count):
            await mailbox.receive()
        await sending

    assert waiting_when_paused < 100_000 + 512 * 1024


@runs
async def test_message_larger_than_the_inbox_is_received(daemon: Peer) -> None:
    async with opened(daemon, inbox_size=10_000) as (mailbox, conversation):
        sending = asyncio.create_task(
            asyncio.to_thread(conversation.send, frames.data(bytes(5_000_000)) * 2)
        )

        sizes = [len(payload_of(await mailbox.receive())) for _ in range(2)]
        await sending

    assert sizes == [5_000_000] * 2


# Sending.


@runs
async def test_burst_of_one_turn_arrives_in_order_and_whole(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        for number in range(3000):
            await mailbox.multicast(spread.FIFO_MESS, "g", number.to_bytes(2))

        stream = await asyncio.to_thread(conversation.read, 3000 * (REQUEST_SIZE + 2))

    numbers = [
        int.from_bytes(stream[at + REQUEST_SIZE :][:2])
        for at in range(0, len(stream), REQUEST_SIZE + 2)
    ]
    assert numbers == list(range(3000))


@runs
async def test_sending_waits_while_the_daemon_does_not_read(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        sending = asyncio.create_task(mailbox.multicast(spread.SAFE_MESS, "g", bytes(12_000_000)))
        await until(lambda: mailbox.statistics().is_congested)
        was_done = sending.done()

        await asyncio.to_thread(conversation.read, REQUEST_SIZE + 12_000_000)

        assert not was_done
        assert await sending == 12_000_000


@runs
async def test_arguments_are_checked_as_in_the_blocking_mailbox(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, _):
        with pytest.raises(spread.GroupNameError):
            await mailbox.join("#no")
        with pytest.raises(ValueError, match="not exactly one"):
            await mailbox.multicast(0, "g", b"")
        with pytest.raises(TypeError, match="groups is a tuple"):
            await mailbox.multigroup_multicast(spread.SAFE_MESS, "g", b"")


# The end without reconnection.


@runs
async def test_everything_that_came_is_received_before_the_end_is_reported(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        conversation.send(frames.data(b"1") + frames.data(b"2") + frames.data(b"3")[:70])
        conversation.close()

        received = [payload_of(await mailbox.receive()) for _ in range(2)]
        with pytest.raises(spread.SessionClosedError) as caught:
            await mailbox.receive()
        with pytest.raises(spread.MailboxClosedError, match="closed mbox: the daemon closed"):
            await mailbox.receive()

    assert received == [b"1", b"2"]
    assert caught.value.closure is not None
    assert caught.value.closure.bytes_of_message == 70


@needs_resets
@runs
async def test_reset_is_named(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        conversation.reset()

        with pytest.raises(spread.SessionClosedError, match="reset by peer"):
            await mailbox.receive()


@runs
async def test_nonsense_ends_the_session(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        conversation.send(frames.data(b"1") + frames.header(0, "", 0, 0, 0))
        await mailbox.receive()

        with pytest.raises(spread.ProtocolError, match="unknown type"):
            await mailbox.receive()

        assert await asyncio.to_thread(conversation.read_to_end) == b""


@runs
async def test_sending_after_the_end_says_why_it_ended(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        conversation.close()
        await until(lambda: not mailbox.is_connected)

        with pytest.raises(spread.SessionClosedError, match="end of stream"):
            await mailbox.join("g")


@runs
async def test_iteration_ends_when_this_side_disconnects(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):

        async def count() -> int:
            return sum([1 async for _ in mailbox])

        counting = asyncio.create_task(count())
        await asyncio.sleep(0)
        hearing = asyncio.create_task(asyncio.to_thread(conversation.hear_out))
        await mailbox.disconnect()

        assert await counting == 0
        assert (await hearing)[:4] == KILL
        with pytest.raises(spread.MailboxClosedError, match="disconnected by this side"):
            await mailbox.join("g")


@runs
async def test_disconnect_gives_up_on_a_daemon_that_hangs(daemon: Peer) -> None:
    async with opened(daemon) as (mailbox, conversation):
        await mailbox.disconnect()

        assert (await asyncio.to_thread(conversation.read_to_end))[:4] == KILL


@runs
async def test_disconnect_delivers_what_was_sent_although_input_is_unread(daemon: Peer) -> None:
    async with opened(daemon, inbox_size=1000) as (mailbox, conversation):
        conversation.send(frames.data(bytes(1000)) * 50)
        await until(lambda: mailbox.statistics().is_paused)
        await mailbox.multicast(spread.SAFE_MESS, "g", b"last words")

        hearing = asyncio.create_task(asyncio.to_thread(conversation.hear_out))
        await mailbox.disconnect()

        heard = await hearing
        assert heard[REQUEST_SIZE:][:10] == b"last words"
        assert heard[REQUEST_SIZE + 10 :][:4] == KILL


# Reconnection.


@runs
async def test_lost_session_is_replaced_groups_joined_again_and_the_stream_says_so(
    daemon: Peer,
) -> None:
    async with opened(daemon, reconnect=EAGER) as (mailbox, first):
        for group in ("zulu", "alpha", "left"):
            await mailbox.join(group)
        await mailbox.leave("left")
        await asyncio.to_thread(first.read, 4 * REQUEST_SIZE)
        again = daemon.accepting()
        first.send(frames.data(b"last of the old"))
        first.close()

        second = await asyncio.wrap_future(again)
        joins = await asyncio.to_thread(second.read, 2 * REQUEST_SIZE)
        second.send(frames.data(b"first of the new"))
        events = [await mailbox.receive() for _ in range(3)]

    assert [joins[0:4], joins[REQUEST_SIZE:][:4]] == [JOIN, JOIN]
    assert [joins[48:][:4], joins[REQUEST_SIZE + 48 :][:5]] == [b"zulu", b"alpha"]
    assert payload_of(events[0]) == b"last of the old"
    assert isinstance(events[1], Reconnected)
    assert events[1].groups == ("zulu", "alpha")
    assert isinstance(events[1].reason, spread.SessionClosedError)
    assert payload_of(events[2]) == b"first of the new"


@runs
async def test_sending_in_the_gap_raises_a_clear_error(daemon: Peer) -> None:
    async with opened(daemon, reconnect=Reconnection(delay_s=60)) as (mailbox, conversation):
        conversation.close()
        await until(lambda: not mailbox.is_connected)

        with pytest.raises(spread.SessionInterruptedError, match="cannot multicast now") as caught:
            await mailbox.multicast(spread.SAFE_MESS, "g", b"")

    assert caught.value.args[0] == -18
    assert caught.value.closure is not None


@runs
async def test_name_that_is_still_taken_is_tried_again(daemon: Peer) -> None:
    async with opened(daemon, reconnect=EAGER) as (mailbox, first):
        first.close()
        for _ in range(2):
            refused = await asyncio.to_thread(daemon.accept)
            refused.send(b"\xfa")
            refused.close()
        await asyncio.wrap_future(daemon.accepting())

        event = await mailbox.receive()

    assert isinstance(event, Reconnected)
    assert event.attempts == 3


@runs
async def test_receive_cancelled_in_the_gap_loses_nothing(daemon: Peer) -> None:
    async with opened(daemon, reconnect=EAGER) as (mailbox, first):
        first.close()
        waiting = asyncio.create_task(mailbox.receive())
        await until(lambda: not mailbox.is_connected)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        second = await asyncio.wrap_future(daemon.accepting())
        second.send(frames.data(b"after"))

        assert isinstance(await mailbox.receive(), Reconnected)
        assert payload_of(await mailbox.receive()) == b"after"


@runs
async def test_sessions_that_came_and_went_unseen_are_one_change(daemon: Peer) -> None:
    async with opened(daemon, reconnect=EAGER) as (mailbox, first):
        first.close()
        second = await asyncio.wrap_future(daemon.accepting())
        second.close()
        third = await asyncio.wrap_future(daemon.accepting())
        await until(lambda: mailbox.statistics().sessions == 3)
        third.send(frames.data(b"here"))

        event = await mailbox.receive()

        assert isinstance(event, Reconnected)
        assert event.attempts == 2
        assert payload_of(await mailbox.receive()) == b"here"


@runs
async def test_messages_of_a_session_that_was_lost_unseen_are_received(daemon: Peer) -> None:
    async with opened(daemon, reconnect=EAGER) as (mailbox, first):
        first.close()
        second = await asyncio.wrap_future(daemon.accepting())
        second.send(frames.data(b"second"))
        second.close()
        await until(lambda: mailbox.statistics().sessions == 2 and not mailbox.is_connected)

        seen = [await mailbox.receive(), await mailbox.receive()]
        third = await asyncio.wrap_future(daemon.accepting())
        third.send(frames.data(b"third"))
        seen += [await mailbox.receive(), await mailbox.receive()]

    assert [type(event) for event in seen] == [Reconnected, spread.Message] * 2
    assert [payload_of(event) for event in seen[1::2]] == [b"second", b"third"]


@runs
async def test_reconnection_gives_up_at_what_stays_wrong(daemon: Peer) -> None:
    async with opened(daemon, reconnect=EAGER) as (mailbox, first):
        first.close()
        refused = await asyncio.to_thread(daemon.accept)
        refused.send(b"\xf7")

        with pytest.raises(spread.AuthenticationError):
            await mailbox.receive()
        with pytest.raises(spread.MailboxClosedError, match="refused authentication"):
            await mailbox.receive()
        with pytest.raises(spread.SessionClosedError, match="refused authentication"):
            await mailbox.join("g")


@runs
async def test_reconnection_gives_up_after_the_time_given(daemon: Peer) -> None:
    policy = Reconnection(delay_s=0.001, delay_s_max=0.001, give_up_s=0.02)
    async with opened(daemon, reconnect=policy) as (mailbox, first):
        daemon.stop_listening()
        first.close()

        with pytest.raises(spread.ConnectError):
            await mailbox.receive()


@runs
async def test_disconnect_in_the_gap_stops_the_attempts(daemon: Peer) -> None:
    async with opened(daemon, reconnect=Reconnection(delay_s=60)) as (mailbox, first):
        first.close()
        await until(lambda: not mailbox.is_connected)

        await mailbox.disconnect()
        await asyncio.sleep(0)

        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not [task for task in others if "_renew" in repr(task)]


@runs
async def test_nonsense_is_a_reason_to_reconnect(daemon: Peer) -> None:
    async with opened(daemon, reconnect=EAGER) as (mailbox, first):
        again = daemon.accepting()
        first.send(frames.header(0, "", 0, 0, 0))

        event = await mailbox.receive()
        await asyncio.wrap_future(again)

    assert isinstance(event, Reconnected)
    assert isinstance(event.reason, spread.ProtocolError)
