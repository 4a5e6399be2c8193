"""Asyncio client: `spread.aio.connect(...)`, the twin of `spread.connect`.

>>> import asyncio, spread
>>> async def main():
...     async with spread.aio.connect("4803@localhost", "me") as mailbox:
...         await mailbox.join("chat")
...         await mailbox.multicast(spread.AGREED_MESS, "chat", "hello")
...         async for message in mailbox:
...             if isinstance(message, spread.Message):
...                 return message.payload
>>> asyncio.run(main())
b'hello'
"""

from spread.client.aio import AsyncMailbox, Connecting, Event, Statistics, connect
from spread.client.reconnection import Reconnected, Reconnection

__all__ = [
    "AsyncMailbox",
    "Connecting",
    "Event",
    "Reconnected",
    "Reconnection",
    "Statistics",
    "connect",
]
