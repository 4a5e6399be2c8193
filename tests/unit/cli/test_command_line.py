"""How every client program ends, and what its parser refuses."""

import argparse
import sys
from collections.abc import Callable

import pytest

import spread
from spread.cli.command_line import (
    SERVICES,
    Exit,
    Parser,
    daemon_address,
    positive_seconds,
    run,
    service,
)


def raising(error: BaseException) -> Callable[[], int]:
    def body() -> int:
        raise error

    return body


# Ways to end.


def test_the_status_is_what_the_body_returns() -> None:
    assert run("prog", lambda: 65) == 65


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (spread.ConnectError("no daemon"), Exit.UNAVAILABLE),
        (spread.SessionRejectedError("too many"), Exit.UNAVAILABLE),
        (spread.SessionClosedError("closed"), Exit.UNAVAILABLE),
        (spread.AddressError("unknown host"), Exit.UNAVAILABLE),
        (spread.MessageTooLongError("too long"), Exit.USAGE),
        (spread.GroupNameError("bad group"), Exit.USAGE),
    ],
)
def test_an_error_is_one_line_and_a_status(
    error: spread.SpreadError, status: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("prog", raising(error)) == status
    assert capsys.readouterr().err == f"prog: {error}\n"


def test_a_name_in_use_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    run("prog", raising(spread.NameNotUniqueError("name in use")))

    assert capsys.readouterr().err == "prog: name in use; choose another name with -u\n"


def test_ctrl_c_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("prog", raising(KeyboardInterrupt())) == Exit.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_anything_else_is_a_defect_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("prog", raising(ZeroDivisionError("oops"))) == Exit.DEFECT

    shown = capsys.readouterr().err
    assert "ZeroDivisionError: oops" in shown
    assert shown.endswith("prog: this is a defect of the program; please report it\n")


def test_a_stream_that_the_parent_closed_reads_as_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    def body() -> int:
        with sys.stdin:
            return len(sys.stdin.read())

    assert run("prog", body) == 0


# The parser.


def test_a_usage_error_exits_with_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("prog", "does things", "0 done")

    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["--no-such-flag"])

    assert caught.value.code == Exit.USAGE
    assert capsys.readouterr().err == (
        "usage: prog [-h] [--version]\nprog: unrecognized arguments: --no-such-flag\n"
    )


def test_flags_are_not_abbreviated() -> None:
    with pytest.raises(SystemExit):
        Parser("prog", "does things", "0 done").parse_args(["--ver"])


def test_the_version_names_program_and_release(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        Parser("prog", "does things", "0 done").parse_args(["--version"])

    assert caught.value.code == Exit.OK
    assert capsys.readouterr().out.startswith("prog 0.")


# Values.


@pytest.mark.parametrize("text", ["4803", "4803@host", "host:4803", "spread://host/", ""])
def test_every_form_of_address_is_taken_as_it_is(text: str) -> None:
    assert daemon_address(text) == text


@pytest.mark.parametrize("text", ["host", "4803@", "70000@host", "0"])
def test_no_address_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="daemon address"):
        daemon_address(text)


def test_services_are_named_from_the_weakest_to_the_strongest() -> None:
    assert SERVICES == ("unreliable", "reliable", "fifo", "causal", "agreed", "safe")
    assert [service(name).name for name in SERVICES] == [name.upper() for name in SERVICES]


@pytest.mark.parametrize("text", ["", "best", "self_discard"])
def test_no_service_is_refused_with_a_list(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"choose from unreliable, .*, safe$"):
        service(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "1e7"])
def test_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no number of seconds"):
        positive_seconds(text)


def test_seconds_may_be_fractions() -> None:
    assert positive_seconds("0.25") == 0.25
