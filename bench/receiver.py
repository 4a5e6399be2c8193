"""A Python client that receives as fast as it can: `python -m bench.receiver` (see `clients.py`).

It joins a group, prints `ready`, receives numbered messages, and sends the sender a short private
message with its count every so many, which is what the generator's window waits for. At the end it
prints one line of JSON: messages, seconds and processor seconds of the measured part.
"""

import argparse
import asyncio
import json
from dataclasses import asdict

import spread
import spread.aio
from bench.progress import Progress
from bench.session import MESS_TYPE_ACKNOWLEDGEMENT


def receive_blocking(address: str, group: str, progress: Progress, every: int) -> None:
    """Receive with the blocking client."""
    with spread.connect(address, membership=True) as mailbox:
        mailbox.join(group)
        mailbox.receive()  # The view with us in it: from here on we get every message.
        print("ready", flush=True)
        receive = mailbox.receive
        while progress.received is None:
            for _ in range(every - 1):
                receive()
            message = receive()
            assert isinstance(message, spread.Message), message
            count = progress.step(message.payload)
            mailbox.multicast(
                spread.RELIABLE_MESS, message.sender, count, MESS_TYPE_ACKNOWLEDGEMENT
            )


async def receive_asyncio(address: str, group: str, progress: Progress, every: int) -> None:
    """Receive with the asyncio client's `async for`."""
    async with spread.aio.connect(address, membership=True) as mailbox:
        await mailbox.join(group)
        await mailbox.receive()
        print("ready", flush=True)
        left = every
        async for message in mailbox:
            left -= 1
            if left:
                continue
            left = every
            assert isinstance(message, spread.Message), message
            count = progress.step(message.payload)
            await mailbox.multicast(
                spread.RELIABLE_MESS, message.sender, count, MESS_TYPE_ACKNOWLEDGEMENT
            )
            if progress.received is not None:
                break


def main() -> None:
    """Run one receiver to its end."""
    parser = argparse.ArgumentParser(prog="python -m bench.receiver", description=__doc__)
    parser.add_argument("client", choices=("blocking", "asyncio"))
    parser.add_argument("address", help="as the client takes it: 4803 or 4803@host")
    parser.add_argument("group")
    parser.add_argument("--warm-up", type=int, required=True, help="messages")
    parser.add_argument("--count", type=int, required=True, help="messages to measure")
    parser.add_argument("--every", type=int, required=True, help="messages per acknowledgement")
    given = parser.parse_args()
    progress = Progress(given.warm_up, given.count, given.every)
    if given.client == "blocking":
        receive_blocking(given.address, given.group, progress, given.every)
    else:
        asyncio.run(receive_asyncio(given.address, given.group, progress, given.every))
    if progress.received is not None:
        print(json.dumps(asdict(progress.received)), flush=True)


if __name__ == "__main__":
    main()
