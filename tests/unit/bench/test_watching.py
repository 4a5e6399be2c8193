"""What the threads of a watched daemon take of a core."""

from bench.watching import Reading


def test_a_thread_has_the_share_of_what_it_worked_meanwhile() -> None:
    before = Reading({"ring": 1.0, "spread-watching": 2.0}, published=0.5)
    after = Reading({"ring": 1.5, "spread-watching": 2.1, "new": 0.2}, published=0.51)

    shares = after.share_since(before, 10.0)

    assert {name: round(each, 6) for name, each in shares.items()} == {
        "ring": 5.0,
        "spread-watching": 1.0,
        "new": 2.0,
        "publishing": 0.1,
    }
