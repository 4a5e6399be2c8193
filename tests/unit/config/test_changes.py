"""What a reload would change, against configurations read from texts."""

import pytest

from spread.config import Configuration
from spread.config.changes import APPLIED, compare, effective
from spread.config.options import OPTIONS, OWN_OPTIONS
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import read

BASE = """
Spread_Segment 10.0.0.255:4803 {
    alpha 10.0.0.1
    beta 10.0.0.2
}
Spread_Segment 10.0.1.255:4803 {
    gamma 10.0.1.1
}
"""


def configuration(text: str, name: str = "alpha") -> Configuration:
    return read(text, name=name, host=ScriptedHost()).configuration


def sentences(old: str, new: str, name: str = "alpha") -> list[str]:
    found = compare(configuration(old, name), configuration(new, name))
    return [each.sentence for each in found.all]


def test_file_with_other_comments_and_layout_changes_nothing():
    assert sentences(BASE, "# another\n" + BASE.replace("    ", "\t")) == []


def test_added_daemon_is_named_with_its_place():
    new = BASE.replace("    gamma", "    delta 10.0.1.2\n    gamma")

    assert sentences(BASE, new) == ["daemon delta is added: 10.0.1.2 in segment 10.0.1.255:4803"]


def test_removed_daemon_is_named():
    assert sentences(BASE, BASE.replace("    beta 10.0.0.2\n", "")) == ["daemon beta is removed"]


def test_daemon_with_another_address_moves():
    assert sentences(BASE, BASE.replace("10.0.1.1\n", "10.0.1.9\n")) == [
        "daemon gamma moves from 10.0.1.1 in segment 10.0.1.255:4803 "
        "to 10.0.1.9 in segment 10.0.1.255:4803"
    ]


def test_another_order_is_a_change_of_the_network():
    new = BASE.replace(
        "    alpha 10.0.0.1\n    beta 10.0.0.2", "    beta 10.0.0.2\n    alpha 10.0.0.1"
    )

    assert sentences(BASE, new) == ["the order of daemons or segments changes"]


def test_other_interfaces_of_another_daemon_are_a_change_of_the_network():
    new = BASE.replace("gamma 10.0.1.1", "gamma 10.0.1.1 { D 10.0.1.1 C 10.0.1.2 }")

    assert sentences(BASE, new) == ["daemon gamma has other interfaces"]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("alpha 10.0.0.1", "alpha 10.0.0.7", "address of alpha would change from 10.0.0.1"),
        ("alpha 10.0.0.1", "alpha 10.0.0.1 { 10.0.0.1 }", "interfaces of alpha would change"),
        ("10.0.0.255:4803", "10.0.0.255:4900", "port of alpha would change from 4803 to 4900"),
        ("10.0.0.255:4803", "10.0.0.127:4803", "segment address of alpha would change"),
    ],
)
def test_change_of_the_own_sockets_is_refused_with_the_reason(before, after, reason):
    found = compare(configuration(BASE), configuration(BASE.replace(before, after)))

    assert reason in found.refusals[0].sentence
    assert "restart" in found.refusals[0].sentence


def test_port_of_another_segment_may_change():
    new = BASE.replace("10.0.1.255:4803", "10.0.1.255:4900")

    found = compare(configuration(BASE), configuration(new))

    assert found.refusals == ()
    assert len(found.network) == 1


def test_second_daemon_in_the_segment_of_one_that_was_alone_is_refused_there():
    new = BASE.replace("    gamma", "    delta 10.0.1.2\n    gamma")

    found = compare(configuration(BASE, "gamma"), configuration(new, "gamma"))

    assert "alone in its segment" in found.refusals[0].sentence


def test_company_for_a_daemon_that_was_started_as_the_only_one_is_refused():
    alone = "Spread_Segment 10.0.0.255:4803 {\n alpha 10.0.0.1\n}\n"
    new = alone + "Spread_Segment 10.0.1.255:4803 {\n gamma 10.0.1.1\n}\n"

    found = compare(configuration(alone), configuration(new))

    assert "started as the only daemon" in found.refusals[0].sentence


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Window = 100", "Window changes from its default to 100, the most that it may grow to"),
        ("DangerousMonitor = true", "DangerousMonitor changes from false to true"),
        ("EventPriority = ERROR", "EventPriority changes from INFO to ERROR"),
        ("DebugFlags = { PRINT GROUPS }", "DebugFlags changes from EXIT PRINT CONFIGURATION"),
        ("MonitorAllow = 10.9.0.0/16", "MonitorAllow changes from none to 10.9.0.0/16"),
        ("MaxQueuedBytes = 33554432", "MaxQueuedBytes changes, which takes effect at the next"),
    ],
)
def test_option_is_told_with_both_values(line, sentence):
    (found,) = sentences(BASE, line + "\n" + BASE)

    assert found.startswith(sentence)


def test_every_option_is_applied_or_waits_for_a_restart():
    from spread.config.changes import _LATER

    named = {*APPLIED, *_LATER}
    timeouts = {each.field for each in OPTIONS.values() if each.word.endswith("Timeout")}
    known = {each.field for each in (*OPTIONS.values(), *OWN_OPTIONS.values()) if each.field}

    assert known - timeouts == named - {"timeouts"}


def test_what_waits_for_a_restart_is_not_in_force_after_a_reload():
    new = configuration("MaxMessageSize = 200000\nWindow = 100\n" + BASE)

    result = effective(configuration(BASE), new)

    assert result.options.max_message_size == 143_952
    assert result.options.window == 100


def test_hash_of_monitors_follows_accelerated_ring():
    old, new = configuration(BASE), configuration("AcceleratedRing = true\n" + BASE)

    assert effective(old, new).hash == new.hash != old.hash
