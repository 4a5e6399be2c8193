"""One flooder: sends as the window allows, receives, counts, and knows when it is done.

    join (if it reads) -> call until enough readers have answered (if it writes)
        -> send and receive -> END sent and delivered back, every awaited writer at its end

A writer that does not read gets own deliveries all the same: now and then it sends a message to its
private group, too. So each run is clocked by what has come back, and by the readers'
acknowledgements: nobody is sent more than a window of what he has not taken.
"""

import time
from collections.abc import Callable

from spread import Membership, Message
from spread.cli.flood.controls import Control, control_of, count_of, count_payload
from spread.cli.flood.measurement import Measurement
from spread.cli.flood.pacing import Pacing
from spread.cli.flood.plan import Plan
from spread.cli.flood.progress import Progress
from spread.cli.flood.window import SendWindow
from spread.client.aio import AsyncMailbox
from spread.errors import ReceiveTimeoutError
from spread.service import MembershipKind, Service

__all__ = ["Flooder"]

_CALL_AGAIN_S = 0.5
# Messages sent in a row, so that receiving gets its turn whatever the window is.
_BATCH_COUNT = 256
# Messages between looks at the clock, for what is not urgent.
_LOOK_EVERY = 64


class Flooder:
    """One run in one session."""

    def __init__(
        self,
        mailbox: AsyncMailbox,
        plan: Plan,
        measurement: Measurement,
        progress: Progress,
        warn: Callable[[str], None],
        *,
        patience_s: float = 30.0,
    ) -> None:
        """`measurement` is filled as the run goes on; `warn` takes sentences for the user.

        A reader for which a writer waits longer than `patience_s` is left behind; a ring heals in
        a fraction of the default.
        """
        self._mailbox = mailbox
        self._plan = plan
        self._measurement = measurement
        self._progress = progress
        self._warn = warn
        self._patience_s = patience_s
        self._me = mailbox.private_group
        self._window = SendWindow(plan.window, time.perf_counter())
        self._pacing = Pacing(plan.rate)
        self._payload = bytes(plan.size)
        self._members: frozenset[str] = frozenset()
        self._writers: set[str] = set()
        self._awaited: set[str] = {self._me} if plan.writes else set()
        self._ended: set[str] = set()
        self._replies: list[tuple[str, Control, bytes]] = []
        self._seen_count = 0

    async def run(self) -> None:
        """Do everything that the plan says.

        Raises SessionClosedError, MessageRejectedError, and MessageTooLongError or GroupNameError
        for a plan that the daemon does not allow.
        """
        if self._plan.reads:
            await self._mailbox.join(self._plan.group)
        if self._plan.writes:
            await self._gather()
            await self._write()
        elif not self._measurement.received:
            self._progress.show("waiting for a writer")
        while not self._is_done():
            await self._receive(None)
        for writer in sorted(self._writers - self._ended):
            self._replies.append((writer, Control.BYE, b""))
        await self._reply()

    def _is_done(self) -> bool:
        if self._plan.writes:
            return self._awaited <= self._ended
        return len(self._ended) >= self._plan.members

    # ---- Sending ----

    async def _gather(self) -> None:
        """Call until the readers that the plan wants have answered."""
        wanted = self._plan.readers_awaited
        while (found := len(self._window.readers)) < wanted:
            self._progress.show(f"waiting for readers: {found} of {wanted} have answered")
            await self._control(self._plan.group, Control.CALL, b"")
            await self._receive_for(_CALL_AGAIN_S, lambda: len(self._window.readers) >= wanted)

    async def _write(self) -> None:
        plan, window, pacing = self._plan, self._window, self._pacing
        while (left := plan.count - window.sent_count) > 0:
            # Half a window at a time: a burst costs little more than a single message.
            wanted = 1 if plan.rate else min(left, window.interval, _BATCH_COUNT)
            await self._await_room(wanted)
            now_s = time.perf_counter()
            count_max = min(left, window.room(), _BATCH_COUNT)
            count = pacing.due(window.sent_count, now_s, count_max)
            for _ in range(count):
                await self._send_one()
            window.send(count, now_s)
            if plan.rate and count < left:
                await self._receive_for(pacing.wait_s(window.sent_count, now_s))
        await self._control(self._back_and(plan.group), Control.END, count_payload(plan.count))

    async def _await_room(self, wanted: int) -> None:
        while self._window.room() < wanted:
            has_come = await self._receive(self._patience_s)
            if not has_come or self._seen_count % _LOOK_EVERY == 0:
                self._leave_behind()

    async def _send_one(self) -> None:
        plan, interval = self._plan, self._window.interval
        position = self._measurement.sent.count + 1
        is_mark = not plan.reads and (position % interval == 0 or position == plan.count)
        comes_back = plan.reads or is_mark
        self._measurement.send(plan.size, time.perf_counter_ns(), comes_back=comes_back)
        if is_mark:
            groups = (plan.group, self._me)
            await self._mailbox.multigroup_multicast(plan.service, groups, self._payload, interval)
        else:
            await self._mailbox.multicast(plan.service, plan.group, self._payload, interval)

    def _leave_behind(self) -> None:
        """Go on without readers that have let this writer wait for too long."""
        for reader in self._window.hindering(time.perf_counter(), self._patience_s):
            self._warn(
                f"{reader} has not acknowledged for {self._patience_s:g} s; going on without it"
            )
            self._window.dismiss(reader)

    def _back_and(self, group: str) -> tuple[str, ...]:
        return (group,) if self._plan.reads else (group, self._me)

    async def _control(self, target: str | tuple[str, ...], kind: Control, payload: bytes) -> None:
        groups = (target,) if isinstance(target, str) else target
        service = Service.RELIABLE if kind is Control.ACK else Service.AGREED
        await self._mailbox.multigroup_multicast(service, groups, payload, kind)

    async def _reply(self) -> None:
        replies, self._replies = self._replies, []
        for target, kind, payload in replies:
            await self._control(target, kind, payload)

    # ---- Receiving ----

    async def _receive_for(
        self, seconds: float, is_enough: Callable[[], bool] = lambda: False
    ) -> None:
        """Receive until `seconds` have passed, or it is enough."""
        until_s = time.perf_counter() + seconds
        while not is_enough() and (left_s := until_s - time.perf_counter()) > 0:
            await self._receive(left_s)

    async def _receive(self, timeout_s: float | None) -> bool:
        """Take one message and do what it asks for; false if none comes in time."""
        try:
            event = await self._mailbox.receive(timeout_s)
        except ReceiveTimeoutError:
            return False
        if isinstance(event, Message):
            if event.mess_type >= 0:
                self._on_data(event)
            else:
                self._on_control(event)
        elif isinstance(event, Membership):
            self._on_membership(event)
        if self._replies:
            await self._reply()
        return True

    def _on_data(self, message: Message) -> None:
        now_ns = time.perf_counter_ns()
        sender, plan = message.sender, self._plan
        if sender == self._me:
            self._window.returned(self._measurement.come_back(now_ns), now_ns / 1e9)
        if plan.reads:
            count = self._measurement.receive(sender, len(message.payload), now_ns)
            if sender != self._me:
                self._writers.add(sender)
                interval = message.mess_type
                if interval and (count == 1 or count % interval == 0):
                    self._replies.append((sender, Control.ACK, count_payload(count)))
            if count == plan.count and not plan.writes:
                self._ended.add(sender)
        self._seen_count += 1
        if self._seen_count % _LOOK_EVERY == 0:
            self._show_progress()

    def _show_progress(self) -> None:
        plan = self._plan
        if plan.writes:
            self._progress.advance(self._window.returned_count, plan.count)
        else:
            self._progress.advance(self._seen_count, plan.count * plan.members)

    def _on_control(self, message: Message) -> None:
        sender = message.sender
        if sender == self._me:
            if control_of(message) is Control.END:
                self._ended.add(sender)
            return
        match control_of(message):
            case Control.CALL if self._plan.reads:
                self._writers.add(sender)
                role = b"w" if self._plan.writes else b"r"
                self._replies.append((sender, Control.ANSWER, role))
            case Control.ANSWER if self._plan.writes:
                self._window.enroll(sender)
                if message.payload == b"w":
                    self._awaited.add(sender)
            case Control.ACK if self._plan.writes:
                self._window.acknowledge(sender, count_of(message), time.perf_counter())
            case Control.END if self._plan.reads:
                self._measurement.announced[sender] = count_of(message)
                self._ended.add(sender)
            case Control.BYE:
                self._window.dismiss(sender)
            case _:
                pass  # A stranger's message, or one for the other role.

    def _on_membership(self, membership: Membership) -> None:
        """Wait no longer for members that have gone."""
        if membership.kind is not MembershipKind.VIEW or membership.group != self._plan.group:
            return
        members = frozenset(membership.members)
        for gone in sorted(self._members - members):
            self._window.dismiss(gone)
            is_unfinished = gone in self._writers | self._awaited and gone not in self._ended
            if is_unfinished:
                self._ended.add(gone)
                self._warn(f"{gone} has gone before it was done")
        self._members = members
