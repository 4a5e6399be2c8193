"""The table of rules of health: thresholds with their reasons, what is said, and what to do.

`health_own` and `health_ring` have the function of each rule. The page of the documentation is made
of this table, so each text stands here and nowhere else.
"""

from typing import Final

from spread.monitor.causes import ENDED
from spread.monitor.health_hysteresis import Rule

__all__ = ["RING_RULES", "RULES"]

_OWN: Final = (
    Rule(
        name="lossy-link",
        about="packets lost on the way from a daemon to this one",
        warning="1 % of what came in 10 s had to be asked for again, and at least 20 packets",
        critical="10 %",
        reason="a sound switched network loses less than one datagram in 100,000; at 1 % each "
        "round of the token waits for packets, and the ring is clearly slower",
        sentence="{percent:.1f} % of the packets of {source} did not reach {target} at first: "
        "{lost} of {received} in {seconds:.0f} s",
        remedy="look at cable, switch port and network card between {source} and {target}: "
        "`ip -s link` on both hosts counts errors and drops; if other traffic fills the way, "
        "give the daemons one of their own or make Window smaller",
    ),
    Rule(
        name="slow-receiver",
        about="a session for which messages pile up",
        warning="500 messages or 4 MiB wait for it, for 5 s",
        critical="12 MiB",
        reason="by default a session is closed when more than 1000 messages and 16 MiB wait",
        sentence="{session} on {host} does not read fast enough: {messages} messages, "
        "{mebibytes:.1f} MiB, wait for it",
        remedy="look at that program: it is stopped, or busy with something else than reading; it "
        "is disconnected when too much waits (MaxSessionMessages)",
        raise_after_s=5.0,
        clear_after_s=5.0,
    ),
    Rule(
        name="receivers-closed",
        about="sessions that were closed because they did not read",
        warning="one in 60 s",
        critical="",
        reason="each of them lost messages, and its program has to connect again",
        sentence="{daemon} closed {closed} sessions in {seconds:.0f} s because they did not take "
        "what waited for them",
        remedy="the log names each of them (`session closed`); let these programs read in a thread "
        "of their own, or raise MaxSessionMessages if bursts are usual",
        raise_after_s=0.0,
        clear_after_s=0.0,
    ),
    Rule(
        name="scheduler-delay",
        about="the daemon did not get a processor, or was stopped",
        warning="late by 500 ms in 10 s, all times together; what the daemon itself computed in "
        "that time does not count",
        critical="1000 ms",
        reason="the others give the ring up when the token stays away for TokenTimeout, 1250 ms by "
        "default, and every one of them waits as long as the slowest",
        sentence="{daemon} was late by {late_ms} ms in {seconds:.0f} s, {times}: its host "
        "gave it no processor, or it was stopped",
        remedy="see what else runs on the host (`top`, `vmstat 1`: column st is time that a "
        "virtual machine did not get), and give the daemon a higher priority, such as Nice=-10 in "
        "its service unit",
        raise_after_s=0.0,
        clear_after_s=10.0,
    ),
    Rule(
        name="clock-step",
        about="the host's clock was set while the daemon ran",
        warning="by half a second, in the last 60 s",
        critical="by a minute",
        reason="times of logs and ids of rings come from the clock; a daemon whose clock went back "
        "far between two starts is not let in",
        sentence="the clock of {daemon}'s host was set {direction} by {step_s:.1f} s",
        remedy="let chrony or systemd-timesyncd keep the clock, so that it is never set by hand",
        raise_after_s=0.0,
        clear_after_s=0.0,
    ),
    Rule(
        name="receive-overrun",
        about="datagrams that the system dropped because a receive buffer was full",
        warning="10 times in 10 s",
        critical="or fewer, and 1 % of the packets, at least 20, had to be asked for again",
        reason="each of them is sent again, to everybody who missed it; it looks like a bad link "
        "and is not",
        sentence="the system dropped datagrams {times} in {seconds:.0f} s before {daemon} "
        "could take them: its receive buffer of {kibibytes:.0f} KiB was full",
        remedy="raise net.core.rmem_max to 8388608 and start the daemon again, or make Window "
        "smaller; if scheduler-delay is found, too, begin with that",
    ),
    Rule(
        name="path-size",
        about="large datagrams do not pass, small ones do",
        warning="seen in the last 60 s",
        critical="",
        reason="the daemons use smaller datagrams then, at the price of throughput",
        sentence="large datagrams of {daemon} do not reach {peers}; {bytes:.0f} bytes are used now",
        remedy="give all interfaces and switches on the way the same MTU and let filters pass "
        "fragments of IP, or set PacketSize to what its log tells as the size that was measured",
        raise_after_s=0.0,
    ),
    Rule(
        name="one-way-link",
        about="a way that carries in one direction only, or only some of what is sent",
        warning="",
        critical="seen in the last 60 s; over when they have been in one ring for 5 s, or when "
        "multicast arrives",
        reason="daemons that cannot hear each other both ways cannot be in one ring",
        sentence="{peer} is heard by {daemon}, but it {words}",
        remedy="look for a firewall or a route that lets one direction pass only: UDP to the "
        "daemons' port and the one above it, both ways; Multicast = no in all configurations does "
        "without multicast",
        raise_after_s=0.0,
    ),
    Rule(
        name="other-configuration",
        about="daemons with another configuration send here",
        warning="",
        critical="one datagram in 60 s, but not within 30 s after this daemon has reloaded, or "
        "another one has said that it goes; monitors leave it out while a reload is under way",
        reason="daemons form a ring only if their lists of segments and daemons are the same; "
        "while they are reloaded one after the other, they differ",
        sentence="{daemon} dropped {dropped} datagrams in {seconds:.0f} s that came from "
        "{senders} and are of another configuration",
        remedy="give all daemons the same file; `spread --check` shows the hash of each",
        raise_after_s=0.0,
    ),
    Rule(
        name="shared-lan",
        about="segments that are one network in fact",
        warning="20 % of the packets of 10 s came twice, at least 100, without being asked for",
        critical="",
        reason="what is forwarded into a segment that has heard it already is sent for nothing",
        sentence="{twice} of {came} packets came to {daemon} twice: its segment and "
        "{other} seem to be one network",
        remedy="put the daemons of one network into one segment of the configuration, or give the "
        "segments different multicast addresses",
    ),
    Rule(
        name="send-refused",
        about="datagrams that the own system did not take",
        warning="one in 10 s",
        critical="",
        reason="what is not sent has to be sent again when somebody misses it",
        sentence="{count} datagrams of {daemon} were not sent in {seconds:.0f} s: {words}",
        remedy="look at the host's own firewall (`nft list ruleset`), at its routes "
        "(`ip route get ADDRESS`) and at its interfaces (`ip -s link`)",
    ),
    Rule(
        name="unstable-ring",
        about="the ring is formed again and again",
        warning="4 times in 60 s",
        critical="8 times",
        reason="nothing is ordered while a ring is formed; rings that a reload brings, a daemon "
        "that stops in order, or one that comes for the first time, are not counted",
        sentence="{daemon} came into {installs} rings in {seconds:.0f} s that nobody asked for; "
        f"{ENDED}{{causes}}",
        remedy="see which other findings there are for these daemons; a link that fails now and "
        "then and a host that stands still both look like this",
        raise_after_s=0.0,
    ),
    Rule(
        name="damaged-datagrams",
        about="datagrams that were changed on their way",
        warning="one in 60 s",
        critical="",
        reason="networks have checksums of their own; what is damaged in spite of them comes from "
        "faulty memory or firmware",
        sentence="{daemon} dropped {damaged} damaged datagrams of {senders} in {seconds:.0f} s",
        remedy="look for a faulty network card, cable or switch; if they come from another "
        "program, keep it away from the daemons' ports",
        raise_after_s=0.0,
    ),
    Rule(
        name="partition-command",
        about="a monitor's partition is in force",
        warning="while it lasts",
        critical="",
        reason="it is meant for tests; somebody may have forgotten it",
        sentence="a partition command of a monitor keeps {daemon} apart from others",
        remedy="`spmonitor heal` ends it; it ends by itself a minute after the last command",
        raise_after_s=0.0,
        clear_after_s=0.0,
    ),
)

_RING: Final = (
    Rule(
        name="no-answer",
        about="a daemon of the configuration does not answer",
        warning="",
        critical="for 3 s",
        reason="a daemon answers within milliseconds; the monitor asks every second, and two "
        "questions may be lost",
        sentence="{daemon} does not answer",
        remedy="see whether it runs on its host, and whether UDP to its port passes from here: "
        "`spread doctor`",
        clear_after_s=0.0,
    ),
    Rule(
        name="split-ring",
        about="daemons that answer are in different rings",
        warning="",
        critical="for 10 s, without a partition command, and no reload is under way",
        reason="forming a ring takes a few seconds, and rings that can hear each other merge "
        "within LookupTimeout",
        sentence="the daemons are in {count} rings: {rings}",
        remedy="look for the network between these groups: a switch, a firewall, a route; daemons "
        "of different configurations never form one ring",
        raise_after_s=10.0,
        clear_after_s=3.0,
    ),
    Rule(
        name="two-configurations",
        about="daemons run with different configurations",
        warning="options differ, so monitors compare different hashes",
        critical="segments or daemons differ, so that no ring can be formed, and it is more than "
        "30 s since one of them got others by a reload",
        reason="each daemon reads its own file; while they are reloaded one after the other, "
        "`spmonitor status` tells who has it and who not yet",
        sentence="{what} differ: {sides}",
        remedy="give all daemons the same file and let them read it (`spmonitor reload`); "
        "`spread --check` shows the hash of each",
        raise_after_s=3.0,
        clear_after_s=3.0,
    ),
    Rule(
        name="one-way",
        about="one of two daemons hears the other, and is not heard",
        warning="",
        critical="for 5 s",
        reason="daemons say ALIVE several times a second while they look for each other",
        sentence="{deaf} hears nothing of {heard}, but {heard} hears {deaf}",
        remedy="look for a firewall or a route that lets one direction pass only: UDP from "
        "{heard} to the ports of {deaf}",
        raise_after_s=5.0,
        clear_after_s=5.0,
    ),
    Rule(
        name="slow-host",
        about="one host makes the token's way round long",
        warning="one host was late for 5 % of 10 s, the worst second not counted: more than the "
        "others together, and twice as much as any of them",
        critical="20 %",
        reason="the token waits for each daemon in turn, so the slowest host sets the pace of all",
        sentence="{daemon} holds up the token: it was late by {late_ms:.0f} ms in {seconds:.0f} s, "
        "all others together by {others_ms:.0f} ms; rounds took {rotation_ms:.1f} ms on average",
        remedy="see what else runs on the host of {daemon}, and give the daemon a higher priority",
        clear_after_s=10.0,
    ),
)

RULES: Final = {rule.name: rule for rule in _OWN}
"""What a daemon judges of itself, by name."""

RING_RULES: Final = {rule.name: rule for rule in _RING}
"""What needs the reports of all daemons, by name."""
