"""The reference page names every option with its bounds, and its examples are read."""

import re
from pathlib import Path

import pytest

from spread.config.model import EventType
from spread.config.options import OPTIONS, OWN_OPTIONS, TIMEOUTS, Form
from spread.config.settings import WIDE_AREA_TIMEOUTS
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import read

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("word", [*OPTIONS, *OWN_OPTIONS])
def test_every_option_is_described(word: str) -> None:
    assert f"`{word}" in PAGE


@pytest.mark.parametrize("kind", EventType)
def test_every_event_type_is_named(kind: EventType) -> None:
    assert f"`{kind.name}`" in PAGE


@pytest.mark.parametrize(
    "word", [option.word for option in OWN_OPTIONS.values() if option.form is Form.NUMBER]
)
def test_bounds_of_own_numbers_are_those_in_force(word: str) -> None:
    option = OWN_OPTIONS[word]

    (row,) = re.findall(rf"^\| `{word}` .*$", PAGE, re.MULTILINE)

    assert f"{option.low} to {option.high} |" in row


@pytest.mark.parametrize("word", [option.word for option in TIMEOUTS])
def test_timeouts_are_those_in_force(word: str) -> None:
    option = OPTIONS[word]
    wide = getattr(WIDE_AREA_TIMEOUTS, option.field)

    (row,) = re.findall(rf"^\| `{word}` .*$", PAGE, re.MULTILINE)

    assert row.startswith(f"| `{word}` | {option.example} | {wide} |")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_read_without_a_warning(example: str) -> None:
    addresses = tuple(f"192.168.{net}.{host}" for net in (7, 8) for host in (11, 12, 13))
    host = ScriptedHost(local=addresses, names={"machine2": "192.168.7.12"})

    loaded = read(example, name="machine1", host=host)

    assert [str(each) for each in loaded.warnings] == []
