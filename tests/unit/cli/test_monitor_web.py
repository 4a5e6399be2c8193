"""`spmonitor web`: its arguments, and what it says when the extra is missing."""

import argparse
import sys

import pytest

from spread.cli import monitor_web
from spread.errors import ArgumentError, ConfigurationError


def given(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    monitor_web.add_arguments(parser)
    common = argparse.Namespace(
        local=3, port=None, file=None, name=None, interval=None, reply_port=None
    )
    return parser.parse_args(arguments, common)


def test_a_missing_package_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "spread.monitor.web.server", raising=False)

    with pytest.raises(ConfigurationError, match=r"needs uvicorn: .*spreadring\[web\]"):
        monitor_web.run(given())


def test_a_place_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ArgumentError, match="give ADDRESS:PORT"):
        monitor_web.run(given("--bind", "a:b:c"))


def test_a_token_that_could_be_tried_out_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has 6 characters"):
        monitor_web.run(given("--bind", "127.0.0.1:0", "--token", "secret"))


def test_a_token_comes_from_the_environment_unless_one_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(monitor_web.TOKEN_VARIABLE, "brief")

    with pytest.raises(ConfigurationError, match="has 5 characters"):
        monitor_web.run(given("--bind", "127.0.0.1:0"))
    with pytest.raises(ConfigurationError, match="has 6 characters"):
        monitor_web.run(given("--bind", "127.0.0.1:0", "--token", "secret"))


def test_further_names_of_the_page_are_collected() -> None:
    assert given("--host", "ring.example", "--host", "r2").host == ["ring.example", "r2"]
