"""What daemons must agree on."""

from dataclasses import replace

from spread.monitor.agreement import disagreements, rings_of
from spread.monitor.report import Report, RingName


def report(daemon: str, **fields: object) -> Report:
    usual = Report(daemon, "10.0.0.1", ring=RingName("a", 5), configuration_hash=9, ring_hash=4)
    return replace(usual, **fields)  # type: ignore[arg-type]


def sentences(*reports: Report) -> list[str]:
    return [each.sentence for each in disagreements(reports)]


def test_one_ring_in_operation_agrees() -> None:
    assert sentences(report("a"), report("b")) == []


def test_rings_are_told_apart_by_their_ids() -> None:
    reports = [report("a"), report("b"), report("c", ring=RingName("a", 6))]

    assert rings_of(reports) == [("a", "b"), ("c",)]
    assert sentences(*reports) == ["2 rings instead of one: a, b | c"]


def test_a_daemon_that_forms_a_ring_is_named_and_its_old_ring_not_counted() -> None:
    reports = [report("a"), report("b", state="GATHER", ring=RingName("b", 2))]

    assert sentences(*reports) == ["b is forming a ring, state GATHER"]


def test_groups_that_are_exchanged_are_named() -> None:
    assert sentences(report("a", group_state="GGATHER")) == [
        "a is settling its groups, state GGATHER"
    ]


def test_two_configurations_are_told_with_their_hashes() -> None:
    reports = [report("a"), report("b", configuration_hash=8)]

    assert sentences(*reports) == [
        "2 configurations in force: a (hash 9, 4) | b (hash 8, 4)",
    ]


def test_a_classic_daemon_says_nothing_of_its_configuration() -> None:
    assert sentences(report("a"), report("b", configuration_hash=0, ring_hash=0)) == []


def test_a_partition_command_is_told() -> None:
    assert sentences(report("a", partition=(0, 1)), report("b", partition=(0, 0))) == [
        "a partition command is in force at a"
    ]


def test_of_many_daemons_the_first_are_named() -> None:
    many = [report(f"d{number}", partition=(0, 1)) for number in range(20)]

    assert sentences(*many) == [
        "a partition command is in force at d0, d1, d2, d3, d4, d5, d6, d7 and 12 more"
    ]
