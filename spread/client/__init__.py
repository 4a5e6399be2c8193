"""The client: one sans-I/O protocol object and its two drivers.

    address       which daemon is meant by "4803@localhost"
    auth          authentication methods a client can offer
    handshake     the dialogue that opens a session
    requests      checks and frames of what a client sends
    closure       what can be told about the end of a session
    protocol      one session without I/O: all of the above and the compiled decoder
    stream        a connected socket with deadlines
    readiness     a descriptor for `select` that also knows what waits inside the mailbox
    mailbox       blocking driver
    link          asyncio driver of one session
    aio           asyncio mailbox: links, one after the other
    reconnection  when and how often to try again

Values here are named tuples: `dataclasses` alone would take half the time of `import spread`.
"""
