from spread.config.model import EventStamp
from spread.config.stamps import DEFAULT_FORMAT, StampOptions


def test_there_is_no_stamp_without_an_option() -> None:
    assert StampOptions().result() is None


def test_precise_stamp_appends_seconds_to_a_format_without_them() -> None:
    stamp = StampOptions()

    stamp.use_format("[%H:%M]")
    stamp.use_microseconds()

    assert stamp.result() == EventStamp("[%H:%M] %s", microseconds=True)


def test_precise_stamp_keeps_a_format_that_ends_in_seconds() -> None:
    stamp = StampOptions()

    stamp.use_format("%H:%M:%S")
    stamp.use_microseconds()

    assert stamp.result() == EventStamp("%H:%M:%S", microseconds=True)


def test_long_format_drops_the_microseconds() -> None:
    stamp = StampOptions()

    stamp.use_format("x" * 37)
    stamp.use_microseconds()

    assert stamp.result() == EventStamp("x" * 37)


def test_format_of_36_bytes_has_room_for_seconds() -> None:
    stamp = StampOptions()

    stamp.use_format("x" * 36)
    stamp.use_microseconds()

    assert stamp.result() == EventStamp("x" * 36 + " %s", microseconds=True)


def test_format_is_cut_after_39_bytes_and_says_so() -> None:
    stamp = StampOptions()

    was_kept_whole = stamp.use_format("x" * 40)

    assert not was_kept_whole
    assert stamp.result() == EventStamp("x" * 39)


def test_cut_through_a_character_keeps_its_first_byte() -> None:
    stamp = StampOptions()

    stamp.use_format("x" * 38 + "é")

    result = stamp.result()
    assert result is not None
    assert result.format.encode("utf-8", "surrogateescape") == b"x" * 38 + b"\xc3"


def test_default_is_used_again_until_a_precise_stamp_brings_the_given_format_back() -> None:
    stamp = StampOptions()

    stamp.use_format("%S")
    stamp.use_default()
    before = stamp.result()
    stamp.use_microseconds()

    assert before == EventStamp(DEFAULT_FORMAT)
    assert stamp.result() == EventStamp("%S", microseconds=True)
