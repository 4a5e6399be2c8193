"""FORM1 and FORM2 on their way: who is next, what is merged, who names the new ring."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from spread.daemon.membership.forming import (
    Attempts,
    Report,
    accept_second,
    add_member,
    awaited,
    create,
    impostors,
    rep_order,
    route,
    withdraw,
)
from spread.daemon.membership.packets import (
    HAVE_BITS_MAX,
    Form,
    FormId,
    FormMember,
    Role,
)

IDS = (0x0A000001, 0x0A000002, 0x0A000003, 0x0A000004, 0x0A000005)
RING_A = (IDS[0], 500)
RING_B = (IDS[2], 600)
ATTEMPT = FormId(creator=0, time=1000, incarnation=70)


class Times:
    """Times of rings from 2000 on."""

    def __init__(self) -> None:
        self.following = 2000

    def next(self, minimum: int = 0, count: int = 1) -> int:
        first = max(self.following, minimum)
        self.following = first + count
        return first


def member(daemon: int, ring: tuple[int, int] = RING_A) -> FormMember:
    return FormMember(daemon, incarnation=70 + daemon, counter=9, old_ring=ring)


def report(
    daemon: int,
    ring: tuple[int, int] = RING_A,
    *,
    stable: int = 0,
    high: int = 0,
    holds: Iterable[int] = (),
    obligations: Sequence[int] = (),
) -> Report:
    """Return the report of a daemon that holds everything up to `stable`, and `holds`."""

    def bits(after: int, last: int) -> bytes:
        held = {*range(after + 1, min(stable, last) + 1), *holds}
        word: int = sum(1 << seq - after - 1 for seq in held if after < seq <= last)
        return word.to_bytes((last - after + 7) // 8, "little")

    return Report(member(daemon, ring), stable, high, bits, obligations)


def created(
    members: Iterable[int] = (), reps: Iterable[tuple[int, Role]] = (), own: Report | None = None
) -> Form:
    """Return the form of daemon 0, which has added itself."""
    form = create(ATTEMPT, members, reps)
    assert add_member(form, own or report(0))
    return form


def complete_form(*reports: Report) -> Form:
    """Return the FORM2 of daemon 0 and those who report."""
    form = created(members=[each.member.daemon for each in reports])
    for each in reports:
        route(form)
        assert add_member(form, each)
    assert route(form) == 0
    assert form.is_second_pass
    return form


# -- The path of FORM1 ----------------------------------------------------------------------------


def test_segments_without_a_ring_come_before_rings() -> None:
    reps = [(0, Role.RING_REP), (3, Role.SEG_REP), (2, Role.SEG_REP), (4, Role.POTENTIAL)]

    assert [daemon for daemon, _ in sorted(reps, key=rep_order)] == [4, 2, 3, 0]


def test_a_form_starts_with_the_creators_members_in_configuration_order() -> None:
    form = create(ATTEMPT, members=[3, 0, 1], reps=[(0, Role.SEG_REP)])

    assert (form.hop, form.pending, form.reps) == (0, [1, 3], [])


def test_a_member_that_is_a_rep_is_not_pending() -> None:
    form = create(ATTEMPT, members=[0, 1, 2], reps=[(2, Role.RING_REP), (1, Role.SEG_REP)])

    assert form.pending == []
    assert form.reps == [(1, Role.SEG_REP), (2, Role.RING_REP)]


def test_form1_visits_the_creators_members_then_each_rep_and_its_members() -> None:
    form = created(members=[0, 1], reps=[(2, Role.SEG_REP), (4, Role.SEG_REP)])
    path = []
    while not form.is_second_pass:
        target = route(form)
        path.append((target, form.hop))
        if not form.is_second_pass:
            assert target is not None
            add_member(form, report(target), brings=[2, 3] if target == 2 else [])

    assert path == [(1, 1), (2, 2), (3, 3), (4, 4), (0, 0)]


def test_a_member_is_awaited_without_a_role_and_a_rep_with_its() -> None:
    form = created(members=[0, 1], reps=[(2, Role.RING_REP)])

    first = awaited(form)
    add_member(form, report(1))
    second = awaited(form)
    add_member(form, report(2))
    third = awaited(form)

    assert (first, second, third) == ((1, None), (2, Role.RING_REP), None)


def test_a_rep_brings_nobody_that_the_form_names_already() -> None:
    form = created(members=[0, 1], reps=[(2, Role.SEG_REP), (4, Role.SEG_REP)])
    add_member(form, report(1))

    add_member(form, report(2), brings=[0, 1, 2, 3, 4])

    assert form.pending == [3]


def test_a_rep_brings_its_members_in_configuration_order() -> None:
    form = created(reps=[(1, Role.SEG_REP)])

    add_member(form, report(1), brings=[4, 2, 3])

    assert form.pending == [2, 3, 4]


def test_who_withdraws_is_no_member_and_is_passed_by() -> None:
    form = created(members=[0, 1], reps=[(2, Role.RING_REP), (3, Role.RING_REP)])

    withdraw(form, 1)
    withdraw(form, 2)

    assert [each.daemon for each in form.members] == [0]
    assert route(form) == 3


def test_nobody_brings_back_who_withdrew() -> None:
    form = created(members=[0, 1], reps=[(2, Role.SEG_REP)])
    withdraw(form, 1)

    add_member(form, report(2), brings=[1, 3])

    assert (form.pending, form.withdrawn) == ([3], [1])


def test_the_complete_form_has_its_members_in_configuration_order() -> None:
    form = created(reps=[(3, Role.SEG_REP), (1, Role.RING_REP)])
    add_member(form, report(3))
    add_member(form, report(1))

    assert route(form) == 0

    assert [each.daemon for each in form.members] == [0, 1, 3]
    assert (form.hop, form.pending, form.reps, form.next_rep) == (0, [], [], 0)


def test_the_complete_form_tells_no_more_who_withdrew() -> None:
    form = created(members=[0, 1])
    withdraw(form, 1)

    route(form)

    assert form.withdrawn == []


def test_a_form_of_one_comes_back_to_its_creator_as_form2() -> None:
    form = created()

    assert route(form) == 0

    assert form.is_second_pass


# -- What is merged -------------------------------------------------------------------------------


def test_each_old_ring_has_one_entry() -> None:
    form = created(members=[0, 1, 2])
    add_member(form, report(1, RING_B))

    add_member(form, report(2))

    assert [(each.ring, each.transitional) for each in form.old_rings] == [
        (RING_A, [0, 2]),
        (RING_B, [1]),
    ]


def test_what_anyone_holds_is_held_and_the_largest_stable_and_high_count() -> None:
    # Daemon 0 knows that 10 is stable and holds 12; daemon 1 knows 8, of 14, and holds 11 and 14.
    form = created(members=[0, 1], own=report(0, stable=10, high=12, holds=[12]))

    add_member(form, report(1, stable=8, high=14, holds=[9, 10, 11, 14]))

    (entry,) = form.old_rings
    assert (entry.stable, entry.high) == (10, 14)
    assert entry.have == bytes([0b1011])


def test_a_range_that_shrinks_from_below_keeps_what_is_above() -> None:
    form = created(members=[0, 1], own=report(0, stable=2, high=12, holds=[3, 11]))

    add_member(form, report(1, stable=10, high=10))

    (entry,) = form.old_rings
    assert (entry.stable, entry.high) == (10, 12)
    assert entry.have == bytes([0b01])


def test_everything_stable_leaves_nothing_to_hold() -> None:
    form = created(members=[0, 1], own=report(0, stable=2, high=5, holds=[4]))

    add_member(form, report(1, stable=5, high=5))

    (entry,) = form.old_rings
    assert (entry.stable, entry.high, entry.have) == (5, 5, b"")


def test_a_stable_above_every_high_makes_an_empty_range() -> None:
    form = created(members=[0, 1], own=report(0, stable=2, high=5, holds=[4]))

    add_member(form, report(1, stable=2**64 - 1, high=2**64 - 1))

    (entry,) = form.old_rings
    assert (entry.stable, entry.high, entry.have) == (2**64 - 1, 2**64 - 1, b"")


def test_packets_that_nobody_claims_are_not_taken_over() -> None:
    own = report(0, stable=0, high=3)
    form = created(own=replace(own, held=lambda _after, _last: b"\xff\xff"))

    assert form.old_rings[0].have == bytes([0b111])


def test_obligations_are_to_all_members_and_whom_they_owe() -> None:
    form = created(members=[0, 1], own=report(0, obligations=[4, 0]))

    add_member(form, report(1, obligations=[3, 0]))

    assert form.old_rings[0].obligations == [0, 1, 3, 4]


def test_a_range_that_cannot_be_is_refused_and_changes_nothing() -> None:
    form = created(members=[0, 1], own=report(0, stable=0, high=HAVE_BITS_MAX))

    assert not add_member(form, report(1, stable=0, high=HAVE_BITS_MAX + 1))

    (entry,) = form.old_rings
    assert (entry.high, entry.transitional) == (HAVE_BITS_MAX, [0])
    assert form.pending == [1]


# -- FORM2 ----------------------------------------------------------------------------------------


def test_form2_goes_once_around_in_ring_order() -> None:
    form = complete_form(report(1), report(2))

    hops = [(route(form), form.hop), (route(form), form.hop), route(form)]

    assert hops == [(1, 1), (2, 2), None]


def test_the_first_member_names_the_transitional_and_the_new_ring() -> None:
    form = complete_form(report(1))
    times = Times()

    entry = accept_second(form, member(0), IDS, times)

    assert entry is form.old_rings[0]
    assert entry.transitional_time == 2000
    assert form.ring == (IDS[0], 2001)
    assert times.following == 2002


def test_the_first_of_each_old_ring_names_its_transitional_configuration() -> None:
    form = complete_form(report(1, RING_B), report(2, RING_B), report(3))
    mine = Times()
    accept_second(form, member(0), IDS, mine)
    theirs = [Times(), Times(), Times()]

    entries = []
    for daemon, ring, times in zip((1, 2, 3), (RING_B, RING_B, RING_A), theirs, strict=True):
        route(form)
        entries.append(accept_second(form, member(daemon, ring), IDS, times))

    assert [entry and entry.ring for entry in entries] == [RING_B, RING_B, RING_A]
    assert [times.following for times in theirs] == [2001, 2000, 2000]
    assert form.ring == (IDS[0], 2001)


def test_form1_is_no_form2() -> None:
    form = created()

    assert accept_second(form, member(0), IDS, Times()) is None


@pytest.mark.parametrize(
    "me",
    [
        member(1),
        member(0, RING_B),
        FormMember(0, incarnation=71, counter=9, old_ring=RING_A),
        FormMember(0, incarnation=70, counter=10, old_ring=RING_A),
    ],
    ids=["not my turn", "another old ring", "another incarnation", "another attempt"],
)
def test_a_form2_on_which_i_did_not_put_myself_is_not_for_me(me: FormMember) -> None:
    form = complete_form(report(1))

    assert accept_second(form, me, IDS, Times()) is None

    assert form.ring is None


def test_a_new_ring_that_is_not_named_after_its_first_member_is_refused() -> None:
    form = complete_form(report(1))
    accept_second(form, member(0), IDS, Times())
    form.ring = (IDS[1], 2001)
    route(form)

    assert accept_second(form, member(1), IDS, Times()) is None


def test_members_of_my_ring_are_those_who_were_installed_in_it() -> None:
    form = created(members=range(4))
    for each in (report(1), report(2, RING_B), report(3)):
        add_member(form, each)

    # Daemon 1 restarted since, daemon 3 was never a member; daemon 2 comes from elsewhere.
    strangers = impostors(form, RING_A, {0: 70, 1: 69, 2: 1})

    assert strangers == [1, 3]


# -- Attempts -------------------------------------------------------------------------------------


def attempt(time: int, incarnation: int = 70, creator: int = 0) -> Form:
    return Form(id=FormId(creator, time, incarnation), hop=1)


def test_a_form_is_new_when_its_time_is_above_my_rings() -> None:
    attempts = Attempts()

    assert attempts.is_new(attempt(1000).id, ring_time=999)
    assert not attempts.is_new(attempt(1000).id, ring_time=1000)


def test_an_attempt_counts_once_and_earlier_ones_no_more() -> None:
    attempts = Attempts()
    attempts.note(attempt(1000))

    new = [attempts.is_new(attempt(time).id, 0) for time in (999, 1000, 1001)]

    assert new == [False, False, True]


def test_each_creator_counts_for_itself() -> None:
    attempts = Attempts()
    attempts.note(attempt(1000, creator=0))

    assert attempts.is_new(attempt(1000, creator=1).id, 0)


def test_a_restarted_creator_counts_anew_even_if_its_clock_went_back() -> None:
    attempts = Attempts()
    attempts.note(attempt(1000, incarnation=70))

    assert attempts.is_new(attempt(900, incarnation=71).id, 0)
    assert not attempts.is_new(attempt(1100, incarnation=69).id, 0)


def test_only_the_handled_hop_of_a_pass_repeats() -> None:
    attempts = Attempts()
    first = attempt(1000)
    attempts.note(first)
    second = Form(id=first.id, hop=1, is_second_pass=True)
    next_hop = Form(id=first.id, hop=2)

    repeated = [attempts.repeats(each) for each in (first, second, next_hop, attempt(1001))]

    assert repeated == [True, False, False, False]


def test_both_passes_of_an_attempt_are_remembered() -> None:
    attempts = Attempts()
    first = attempt(1000)
    second = Form(id=first.id, hop=0, is_second_pass=True)

    attempts.note(first)
    attempts.note(second)

    assert attempts.repeats(first)
    assert attempts.repeats(second)
