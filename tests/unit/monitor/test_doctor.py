"""What the doctor says of what it has seen: problems, remedies, the matrix."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from spread.monitor.doctor import exit_status, judge
from spread.monitor.doctor_evidence import Check, Entry, Evidence, Key, Severity
from spread.monitor.doctor_matrix import matrix, matrix_lines
from spread.monitor.doctor_sizes import sizes_to_try
from spread.monitor.doctor_talk import Facts, Heard
from spread.monitor.doctor_text import as_record, text_lines
from spread.monitor.probes import SIZE_MIN, Way

MS = 1_000_000
S = 1_000 * MS
FACTS = Facts("d1", 0, release="1.0", ring_hash=5, mtu=1500)

Pair = tuple[int, int]


def well(count: int = 3) -> Evidence:
    """Return what is seen of a ring that is well."""
    entries = tuple(
        Entry(f"d{number}", f"10.0.0.{number}", 4803, 0, uses_segment=True)
        for number in range(1, count + 1)
    )
    facts = {number: replace(FACTS, name=entries[number].name) for number in range(count)}
    keys = [
        key
        for sender in range(count)
        for target in range(count)
        if sender != target
        for key in keys_of(sender, target)
    ]
    return Evidence(
        entries=entries,
        own=0,
        ring_hash=5,
        facts=facts,
        later=facts,
        tried=dict.fromkeys(keys, 1),
        heard={key: heard(key) for key in keys},
    )


def keys_of(sender: int, target: int) -> list[Key]:
    small = [Key(sender, target, way, SIZE_MIN) for way in Way]
    plain = [Key(sender, target, Way.DATA, size) for size in sizes_to_try(FACTS)]
    whole = [Key(sender, target, Way.DATA, size, True) for size in (576, 1232, 1472)]
    return [*small, *plain, *whole]


def heard(key: Key, delay_ns: int = MS) -> Heard:
    return Heard(key.sender, key.way, key.size, key.is_whole, 1, delay_ns)


def without(evidence: Evidence, lost: Iterable[Key]) -> Evidence:
    """Return what is seen if these probes do not arrive."""
    gone = set(lost)
    return replace(
        evidence, heard={key: each for key, each in evidence.heard.items() if key not in gone}
    )


def lose(pairs: Iterable[Pair], *ways: Way) -> Evidence:
    """Return what is seen if small and large probes by these ways are lost."""
    evidence = well()
    gone = [key for key in evidence.tried if key[:2] in set(pairs) and key.way in ways]
    return without(evidence, gone)


def silent(evidence: Evidence, number: int, reason: str = "") -> Evidence:
    facts = {key: each for key, each in evidence.facts.items() if key != number}
    return replace(evidence, facts=facts, later=facts, silence={number: reason})


def found(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return severity, rule and subject of each problem."""
    return [(each.severity.value, each.rule, each.subject) for each in judge(evidence)]


def signs(evidence: Evidence) -> list[str]:
    return ["".join(each.sign.value for each in row) for row in matrix(evidence)]


def test_nothing_is_said_of_a_ring_that_is_well() -> None:
    assert judge(well()) == ()
    assert exit_status(()) == 0
    assert signs(well()) == [".++", "+.+", "++."]


@pytest.mark.parametrize(
    ("pairs", "ways", "expected"),
    [
        ([(0, 2), (1, 2)], [Way.TOKEN], [("failure", "firewall", "d3")]),
        ([(2, 0), (2, 1)], [Way.TOKEN], [("failure", "firewall", "d3")]),
        ([(0, 2), (1, 2)], list(Way), [("failure", "firewall", "d3")]),
        ([(0, 2)], [Way.DATA], [("failure", "firewall", "d1 -> d3")]),
        ([(0, 2)], list(Way), [("failure", "one-way-link", "d1 -> d3")]),
        ([(0, 2), (2, 0)], list(Way), [("failure", "no-way", "d1 <-> d3")]),
        ([(0, 2), (1, 2)], [Way.SEGMENT], [("failure", "multicast", "d3")]),
        ([(2, 0), (2, 1)], [Way.SEGMENT], [("failure", "multicast", "d3")]),
        ([(0, 1)], [Way.SEGMENT], [("failure", "multicast", "d1 -> d2")]),
        (
            [(a, b) for a in range(3) for b in range(3)],
            [Way.SEGMENT],
            [("failure", "multicast", "d1, d2, d3")],
        ),
    ],
)
def test_lost_ways_are_told_as_few_problems(
    pairs: list[Pair], ways: list[Way], expected: list[tuple[str, str, str]]
) -> None:
    evidence = lose(pairs, *ways)

    assert found(evidence) == expected
    assert exit_status(judge(evidence)) == 1
    assert all(matrix(evidence)[a][b].sign.value == "x" for a, b in pairs if a != b)


def test_a_one_way_link_beside_a_shut_port_are_two_problems() -> None:
    evidence = lose([(0, 1)], *Way)
    gone = [key for key in evidence.tried if key.target == 2 and key.way == Way.TOKEN]

    rules = found(without(evidence, gone))

    assert rules == [("failure", "one-way-link", "d1 -> d2"), ("failure", "firewall", "d3")]


def test_a_remedy_names_port_and_address() -> None:
    (problem,) = judge(lose([(0, 2), (1, 2)], Way.TOKEN))

    assert "UDP port 4804" in problem.remedy
    assert "10.0.0.3" in problem.remedy


@pytest.mark.parametrize(
    ("reason", "part"),
    [("refused", "no daemon runs"), ("", "no answer"), ("host unreachable", "host unreachable")],
)
def test_silence_is_explained(reason: str, part: str) -> None:
    evidence = silent(well(), 1, reason)
    (problem,) = judge(evidence)

    assert (problem.rule, problem.subject) == ("silent", "d2")
    assert part in problem.sentence
    assert signs(evidence) == [".?+", "?.?", "+?."]


def test_daemons_that_are_silent_alike_are_one_problem() -> None:
    evidence = well(6)
    silence = {1: "refused", 2: "refused", 3: "", 4: "host unreachable", 5: ""}
    facts = {0: evidence.facts[0]}

    problems = judge(replace(evidence, facts=facts, later=facts, silence=silence))

    assert [each.subject for each in problems] == ["d2, d3", "d4, d6", "d5"]
    assert "10.0.0.2 (UDP 4803, 4804), 10.0.0.3 (UDP 4803, 4804)" in problems[0].sentence
    assert "spread doctor` on d4, d6" in problems[1].remedy


def test_a_doctor_in_the_place_of_a_daemon_is_a_note() -> None:
    evidence = with_facts(1, is_daemon=False)
    problems = judge(evidence)

    assert found(evidence) == [("note", "stand-in", "d2")]
    assert exit_status(problems) == 0
    assert "Nothing is wrong; 1 note" in "\n".join(text_lines(evidence, problems, 80))


def test_who_does_not_reach_whom_is_told_by_names_or_by_their_number() -> None:
    few = lose([(0, 2), (1, 2)], Way.TOKEN)
    many = well(6)
    gone = [key for key in many.tried if key.target == 5 and key.way == Way.TOKEN]

    (of_three,) = judge(few)
    (of_six,) = judge(without(many, gone))

    assert "that d1 and d2 send to UDP port 4804 of d3" in of_three.sentence
    assert "that 5 daemons send to UDP port 4804 of d6" in of_six.sentence


def unsent(evidence: Evidence, keys: Iterable[Key]) -> Evidence:
    """Return what is seen if these probes are not even sent."""
    left = frozenset(keys)
    tried = {key: count for key, count in evidence.tried.items() if key not in left}
    return replace(without(evidence, left), tried=tried)


def test_probes_that_a_receiver_did_not_agree_to_are_no_loss_and_stand_in_the_json() -> None:
    evidence = well()
    withheld = frozenset(key for key in evidence.tried if key[:2] == (0, 1) and key.size > 1000)
    evidence = replace(unsent(evidence, withheld), withheld=withheld)

    probes = as_record(evidence, (), 0)["probes"]

    assert judge(evidence) == ()
    assert sum("did not agree" in each["not_sent"] for each in probes) == len(withheld)


@pytest.mark.parametrize(
    ("least", "sign", "word"),
    [(65, "?", "up to 64"), (1000, "?", "up to 576"), (1472, "?", "up to 1232"), (1473, "+", "ok")],
)
def test_a_way_on_which_large_probes_were_not_sent_says_up_to_which_size_it_was_seen(
    least: int, sign: str, word: str
) -> None:
    way = [key for key in well().tried if key[:2] == (0, 1)]
    evidence = unsent(well(), [key for key in way if key.size >= least])

    text = "\n".join(text_lines(evidence, judge(evidence), 100))

    assert str(matrix(evidence)[0][1]) == f"{sign} {word}"
    assert signs(evidence)[1:] == ["+.+", "++."]
    assert ("up to N: datagrams of N bytes arrive" in text) == (sign == "?")


def large(sizes: Iterable[int], *, is_whole: bool, target: int = 2) -> list[Key]:
    return [Key(sender, target, Way.DATA, size, is_whole) for sender in (0, 1) for size in sizes]


def test_a_way_that_lies_is_told_with_the_size_that_passes() -> None:
    gone = [*large((1472, 8972), is_whole=False), *large((1472,), is_whole=True)]
    evidence = without(well(), gone)
    (problem,) = judge(evidence)

    assert (problem.rule, problem.subject) == ("mtu", "all -> d3")
    assert "PacketSize = 1232" in problem.remedy
    assert matrix(evidence)[0][2].word == "small only"


def test_dropped_fragments_matter_only_where_the_ring_sends_some() -> None:
    evidence = without(well(), large((8972,), is_whole=False))
    wanted = {number: replace(each, size=8972) for number, each in evidence.facts.items()}

    assert found(evidence) == [("note", "no-fragments", "all -> d3")]
    assert exit_status(judge(evidence)) == 0
    assert found(replace(evidence, facts=wanted)) == [("failure", "fragments", "all -> d3")]


def test_a_router_that_cuts_is_a_warning() -> None:
    evidence = without(well(), large((1472,), is_whole=True))

    assert found(evidence) == [("warning", "cut-on-the-way", "all -> d3")]
    assert matrix(evidence)[0][2].word == "cut"


def test_loss_is_told_when_a_second_try_was_needed() -> None:
    evidence = well()
    key = Key(0, 1, Way.DATA, SIZE_MIN)

    assert found(replace(evidence, tried={**evidence.tried, key: 2})) == [
        ("warning", "loss", "d1 -> d2")
    ]


def with_facts(number: int, **changes: object) -> Evidence:
    evidence = well()
    facts = {**evidence.facts, number: replace(evidence.facts[number], **changes)}  # type: ignore[arg-type]
    return replace(evidence, facts=facts)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ring_hash": 6}, ("failure", "two-configurations", "d2")),
        ({"name": "d9"}, ("failure", "identity", "d2")),
        ({"release": "0.9"}, ("warning", "releases", "all")),
        ({"mtu": 9000}, ("warning", "unlike-mtu", "segment 1")),
        (
            {"receive_bytes": 200_000, "wanted_receive_bytes": 8 << 20},
            ("warning", "buffers", "d2"),
        ),
    ],
)
def test_hosts_that_differ_are_told(
    changes: dict[str, object], expected: tuple[str, str, str]
) -> None:
    assert found(with_facts(1, **changes)) == [expected]


def test_nothing_is_told_of_ways_of_a_daemon_with_another_configuration() -> None:
    lost = [key for key in well().tried if key[:2] in {(0, 1), (2, 1)}]
    evidence = without(with_facts(1, ring_hash=6), lost)
    evidence = replace(evidence, strays={(1, 2): "10.9.9.9"})

    assert found(evidence) == [("failure", "two-configurations", "d2")]
    assert signs(evidence) == [".?+", "?.?", "+?."]
    assert "? other file" in "\n".join(matrix_lines(evidence, 100))


def test_nothing_is_told_of_ways_to_a_daemon_that_does_not_answer_any_more() -> None:
    lost = [key for key in well().tried if key.target == 1]
    evidence = replace(without(well(), lost), unheard=frozenset({1}))

    assert found(evidence) == [("failure", "silent", "d2")]
    assert signs(evidence) == [".?+", "+.+", "+?."]


def test_clocks_are_compared_by_the_way_there_and_back() -> None:
    evidence = well()
    shifted = {
        key: replace(
            each,
            delay_ns=MS + (5 * S if key.target == 1 else 0) - (5 * S if key.sender == 1 else 0),
        )
        for key, each in evidence.heard.items()
    }

    (problem,) = judge(replace(evidence, heard=shifted))

    assert (problem.rule, problem.subject) == ("clocks", "d2")
    assert "5.0 s ahead of that of d1" in problem.sentence


def test_a_clock_that_was_set_meanwhile_is_told() -> None:
    evidence = well()
    later = {
        number: replace(each, steady_ns=S, time_ns=S + (2 * S if number == 1 else 0))
        for number, each in evidence.facts.items()
    }

    assert found(replace(evidence, later=later)) == [("warning", "clock-step", "d2")]


def test_segments_that_share_a_network_are_told() -> None:
    evidence = well()
    entries = (*evidence.entries[:2], replace(evidence.entries[2], segment=1))

    assert ("failure", "shared-network", "segments 1 and 2") in found(
        replace(evidence, entries=entries)
    )


def test_another_address_than_the_files_is_told() -> None:
    evidence = replace(lose([(0, 1)], *Way), strays={(0, 1): "192.168.7.1"})

    assert found(evidence) == [("failure", "wrong-interface", "d1 -> d2")]
    assert matrix(evidence)[0][1].word == "address"


def test_a_check_of_the_own_host_that_fails_is_a_problem() -> None:
    check = Check("ports", Severity.FAILURE, "taken", "stop it")

    assert found(replace(well(), checks=(check,))) == [("failure", "this-host", "ports")]


def test_a_matrix_that_is_too_wide_loses_its_words_then_becomes_a_list() -> None:
    evidence = lose([(0, 2)], Way.TOKEN)

    assert list(matrix_lines(evidence, 60)) == [
        "from \\ to  d1    d2    d3",
        "d1         .     + ok  x no token",
        "d2         + ok  .     + ok",
        "d3         + ok  + ok  .",
    ]
    assert list(matrix_lines(evidence, 20)) == [
        "from \\ to   1 2 3",
        "1 d1        . + x",
        "2 d2        + . +",
        "3 d3        + + .",
    ]
    assert list(matrix_lines(evidence, 10)) == [
        "3 daemons, too many for a matrix here; ways between two: "
        "5 fine, 0 not as they should be, 1 broken, 0 unknown",
        "  d1 -> d3  x no token",
    ]


def test_the_report_has_the_remedy_and_json_has_everything() -> None:
    evidence = silent(well(), 2, "refused")
    problems = judge(evidence)

    text = "\n".join(text_lines(evidence, problems, 200))
    record = as_record(evidence, problems, 1)

    assert "1. failure: d3: no daemon runs" in text
    assert "daemon, release 1.0, MTU 1500, datagrams 1472, buffer 0 MiB" in text
    assert "remedy: start spread on d3" in text
    assert [each["state"] for each in record["daemons"]] == ["daemon", "daemon", "no daemon runs"]
    assert record["problems"][0]["rule"] == "silent"
    assert len(record["probes"]) == len(evidence.tried)
