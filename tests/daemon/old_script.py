"""A program in the style of the historical module's time; `test_old_script.py` runs it.

It uses nothing but what SpreadModule 1.5 had (with `str` and `bytes` where Python 3 makes the
difference), prints what it sees, and leaves without saying goodbye at its end.
"""

import select
import sys

import spread


def show(m):
    if type(m) == spread.RegularMsgType:  # noqa: E721 - the historical way to tell them apart.
        print("message", m.sender, m.groups, m.message, m.msg_type, m.endian)
    elif type(m) == spread.MembershipMsgType:  # noqa: E721
        what = {
            spread.CAUSED_BY_JOIN: "join",
            spread.CAUSED_BY_LEAVE: "leave",
            spread.CAUSED_BY_DISCONNECT: "disconnect",
            spread.CAUSED_BY_NETWORK: "network",
        }[m.reason]
        if what == "leave" and m.group_id is None:
            what = "self-leave"
        print(what, m.group, m.members, m.extra, str(m.group_id)[:9])
    else:
        print("what is this?", m)


def main():
    daemon, name = sys.argv[1], sys.argv[2]
    mbox = spread.connect(daemon, name, 0, 1)
    print("private group", mbox.private_group, type(mbox) == spread.MailboxType)  # noqa: E721

    mbox.join("chat")
    show(mbox.receive())
    print("sent", mbox.multicast(spread.AGREED_MESS, "chat", "hi", 7))
    print("sent", mbox.multigroup_multicast(spread.SAFE_MESS, ("chat", "other"), b"\0\1"))
    while mbox.poll() == 0:
        select.select([mbox], [], [])
    show(mbox.receive())
    while 1:
        r, _w, _e = select.select([mbox.fileno()], [], [])
        if mbox.fileno() in r:
            show(mbox.receive())
            break
    mbox.leave("chat")
    show(mbox.receive())

    try:
        mbox.join("#wrong")
    except spread.error as err:
        code, _text = err.args
        print("error", code, code == spread.ILLEGAL_GROUP)
    try:
        mbox.multicast(0x1000, "chat", "")
    except ValueError:
        print("value error")
    try:
        mbox.multigroup_multicast(spread.SAFE_MESS, "chat", "")
    except TypeError:
        print("type error")
    try:
        spread.connect(daemon, name)
    except spread.error as err:
        print("error", err.args[0] == spread.REJECT_NOT_UNIQUE)

    other = spread.connect(daemon)
    other.disconnect()
    other.disconnect()
    try:
        other.receive()
    except spread.error as err:
        print("error", len(err.args), err.args[0].startswith("receive() called on closed mbox"))

    # Sent last, never received: it must not be lost although nobody disconnects.
    for n in range(200):
        mbox.multicast(spread.FIFO_MESS, mbox.private_group, "unread " + str(n))
    mbox.multicast(spread.FIFO_MESS, "listeners", "the end")


main()
