"""How every client program ends, and what its parser refuses."""

import sys
from collections.abc import Callable

import pytest

import spread
from spread.cli.command_line import SERVICES, Exit, Parser, run
from spread.service import Service


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


# Flags of a session.


@pytest.fixture
def parser() -> Parser:
    result = Parser("prog", "does things", "0 done")
    result.add_session()
    result.add_service(Service.AGREED)
    return result


@pytest.mark.parametrize("text", ["4803", "4803@host", "host:4803", "spread://host/", ""])
def test_every_form_of_address_is_taken_as_it_is(text: str, parser: Parser) -> None:
    assert parser.parse_args(["-s", text]).daemon == text


def test_services_are_named_from_the_weakest_to_the_strongest() -> None:
    assert SERVICES == ("unreliable", "reliable", "fifo", "causal", "agreed", "safe")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_by_its_name(name: str, parser: Parser) -> None:
    assert parser.parse_args(["--service", name]).service.name == name.upper()


def test_defaults(parser: Parser) -> None:
    given = parser.parse_args([])

    assert (given.daemon, given.timeout, given.service) == ("4803", 10.0, Service.AGREED)


def test_seconds_may_be_fractions(parser: Parser) -> None:
    assert parser.parse_args(["--timeout", "0.25"]).timeout == 0.25


@pytest.mark.parametrize(
    ("flag", "text", "complaint"),
    [
        *(("-s", text, "daemon address") for text in ("host", "4803@", "70000@host", "0")),
        *(
            ("--service", text, "choose from unreliable, reliable, fifo, causal, agreed, safe")
            for text in ("", "best", "self_discard")
        ),
        *(
            ("--timeout", text, "no number of seconds")
            for text in ("0", "-1", "nan", "inf", "soon", "1e7")
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    flag: str, text: str, complaint: str, parser: Parser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.parse_args([f"{flag}={text}" if flag.startswith("--") else flag + text])

    assert caught.value.code == Exit.USAGE
    assert complaint in capsys.readouterr().err
