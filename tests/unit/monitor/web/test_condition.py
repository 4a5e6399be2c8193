"""How daemons and the whole are, in words."""

from spread.monitor.report import Finding, RingName, View
from spread.monitor.web.condition import Level, Sentence, condition, overall, sentences
from spread.monitor.web.rings import rings
from spread.monitor.web.sight import Seen, Sight
from tests.unit.monitor.web.sights import NOW_S, TOKEN_LOST, in_ring, seen, silent, three

TWO = View(NOW_S - 5, RingName("a", 2), ("a", "b"), left=("c",), cause=TOKEN_LOST)
ONE = View(NOW_S - 4, RingName("c", 3), ("c",), left=("a", "b"), cause=TOKEN_LOST)
LOSSY = Finding("lossy-link", "warning", "b", "b misses packets", "look at the cable")


def told(sight: Sight, *findings: Finding) -> list[Sentence]:
    return sentences(sight, rings(sight), findings)


def split(**fields: object) -> Sight:
    sides = {"a": TWO, "b": TWO, "c": ONE}
    return three(*(seen(name, in_ring(name, view, **fields)) for name, view in sides.items()))


def test_a_ring_of_all_is_well() -> None:
    (sentence,) = told(three())

    assert (sentence.level, sentence.text) == (Level.GOOD, "a, b and c are one ring of three.")


def test_findings_are_counted_where_all_else_is_well() -> None:
    (sentence,) = told(three(), LOSSY)

    assert sentence.text == "a, b and c are one ring of three, with one finding."


def test_a_dead_daemon_is_told_with_what_the_others_did() -> None:
    sight = three(seen("a", in_ring("a", TWO)), seen("b", in_ring("b", TWO)), silent("c", 3.2))

    first = told(sight)[0]

    assert first.text == (
        "c has not answered for 3\N{NO-BREAK SPACE}s; a and b formed a ring of two at {time} "
        "because the token was lost."
    )
    assert first.time_s == NOW_S - 5
    assert first.level is Level.BAD
    assert first.remedy == "Nobody has 10.0.0.1, UDP port 4803. Check: start the daemon."


def test_a_daemon_that_has_just_gone_silent_is_still_counted_on() -> None:
    (sentence,) = told(three(silent("c", 1.6)))

    assert (
        sentence.text == "c has not answered for 2\N{NO-BREAK SPACE}s; a and b still count on it."
    )
    assert sentence.level is Level.WARN


def test_why_a_member_may_be_silent_is_not_told_before_the_others_know() -> None:
    early, late = (told(three(silent("c", seconds)))[0] for seconds in (4.0, 12.0))

    assert early.remedy == ""
    assert late.remedy.startswith("Nobody has 10.0.0.1")


def test_the_key_of_a_sentence_does_not_change_with_its_age() -> None:
    assert told(three(silent("c", 1.6)))[0].key == told(three(silent("c", 2.6)))[0].key


def test_others_that_look_for_a_new_ring_are_told() -> None:
    (sentence,) = told(three(seen("a", in_ring("a", state="GATHER")), silent("c", 2.6)))

    assert (
        sentence.text
        == "c has not answered for 3\N{NO-BREAK SPACE}s; a and b are looking for a new ring."
    )


def test_who_has_yet_to_tell_of_its_side_is_no_ring_beside_the_other() -> None:
    two = View(NOW_S - 1, RingName("a", 2), ("a", "b"), left=("c",), cause=TOKEN_LOST)

    (sentence,) = told(three(seen("a", in_ring("a", two)), seen("b", in_ring("b", two))))

    assert sentence.text == "c is forming a ring."


def test_two_rings_are_told_with_their_members() -> None:
    (sentence,) = told(split())

    assert sentence.text == (
        "There are two rings since {time} because the token was lost: a and b; c."
    )
    assert sentence.level is Level.BAD


def test_a_partition_that_was_asked_for_is_no_alarm() -> None:
    (sentence,) = told(split(partition=(0, 0, 1)))

    assert "because a monitor asked for a partition" in sentence.text
    assert sentence.level is Level.WARN


def test_nobody_that_answers_is_one_sentence() -> None:
    (sentence,) = told(three(*(silent(name, 9.0) for name in "abc")))

    assert sentence.text == "None of three daemons answers."
    assert sentence.level is Level.BAD


def test_daemons_that_were_never_heard_are_asked_first_and_blamed_later() -> None:
    fresh = [Seen(name, "10.0.0.1", 4803, seen(name).history, None) for name in "abc"]
    late = Seen("c", "10.0.0.1", 4803, seen("c").history, None, why_silent="no answer")

    assert told(Sight(NOW_S, tuple(fresh)))[0].text == "Asking the daemons."
    assert told(three(late))[0].text == "c has never answered."


def test_each_daemon_has_a_word() -> None:
    ring = rings(three())[0]
    words = {
        "well": condition(seen("a"), ring, []),
        "needs a look": condition(seen("b"), ring, [LOSSY]),
        "gathering a ring": condition(seen("a", in_ring("a", state="GATHER")), ring, []),
        "no answer for 2\N{NO-BREAK SPACE}s": condition(silent("c", 2.0), ring, []),
        "no answer for 8\N{NO-BREAK SPACE}s": condition(silent("c", 8.0), ring, []),
    }

    assert {word: each.word for word, each in words.items()} == {word: word for word in words}
    levels = [each.level for each in words.values()]
    assert levels == [Level.GOOD, Level.WARN, Level.WARN, Level.WARN, Level.BAD]


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    assert overall(told(three()), []) is Level.GOOD
    assert overall(told(three()), [LOSSY]) is Level.WARN
    assert overall(told(split()), [LOSSY]) is Level.BAD
