"""What can be known of a terminal."""

import fcntl
import io
import os
import pty
import struct
import termios

from spread.cli.terminal import width


def test_width_of_a_terminal_is_its_present_number_of_columns() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as terminal:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 132, 0, 0))

        assert width(terminal) == 132


def test_width_of_a_terminal_without_a_size_is_80() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as terminal:
        assert width(terminal) == 80


def test_width_of_what_is_no_terminal_is_80() -> None:
    assert width(io.StringIO()) == 80
