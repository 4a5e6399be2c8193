import pytest

from bench.progress import Progress


def stamped(seq: int) -> bytes:
    return bytes(8) + seq.to_bytes(8, "little") + b"filler"


def test_measured_part_ends_after_warm_up_and_count() -> None:
    progress = Progress(warm_up_count=10, count=20, every=10)

    counts = [progress.step(stamped(seq)) for seq in (9, 19)]
    unfinished = progress.received
    counts.append(progress.step(stamped(29)))

    assert counts == [n.to_bytes(8, "little") for n in (10, 20, 30)]
    assert unfinished is None
    assert progress.received is not None
    assert progress.received.count == 20


def test_a_lost_message_ends_the_receiver() -> None:
    progress = Progress(warm_up_count=10, count=20, every=10)

    with pytest.raises(SystemExit, match="message 10 received where 9 was due"):
        progress.step(stamped(10))
