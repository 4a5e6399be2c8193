"""When messages of a flood are due."""

from spread.cli.flood.pacing import Pacing


def test_without_a_rate_everything_is_due() -> None:
    pacing = Pacing(None)

    assert pacing.due(sent_count=0, now_s=5.0, count_max=200) == 200
    assert pacing.wait_s(sent_count=200, now_s=5.0) == 0.0


def test_the_first_message_is_due_at_once_and_the_next_after_its_interval() -> None:
    pacing = Pacing(10.0)

    assert pacing.due(sent_count=0, now_s=5.0, count_max=200) == 1
    assert pacing.due(sent_count=1, now_s=5.05, count_max=200) == 0
    assert pacing.due(sent_count=1, now_s=5.125, count_max=200) == 1


def test_the_wait_ends_when_the_next_message_is_due() -> None:
    pacing = Pacing(4.0)
    pacing.due(sent_count=0, now_s=5.0, count_max=1)

    assert pacing.wait_s(sent_count=1, now_s=5.0) == 0.25
    assert pacing.wait_s(sent_count=1, now_s=6.0) == 0.0


def test_what_is_late_goes_at_once_as_far_as_there_is_room() -> None:
    pacing = Pacing(10.0)
    pacing.due(sent_count=0, now_s=5.0, count_max=1)

    assert pacing.due(sent_count=1, now_s=6.0, count_max=200) == 10
    assert pacing.due(sent_count=1, now_s=6.0, count_max=3) == 3
