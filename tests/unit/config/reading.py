"""Short ways to read a configuration text in a test."""

from spread.config import ConfigurationErrors, Diagnostic, Loaded, Stage, parse
from tests.unit.config.hosts import ScriptedHost

SEGMENT = "Spread_Segment 127.0.0.255:5200 {\n alpha 127.0.0.1\n}\n"


def read(text: str, *, name: str | None = None, host: ScriptedHost | None = None) -> Loaded:
    """Read a text as the file `spread.conf`."""
    return parse(text.encode(), "spread.conf", name=name, host=host or ScriptedHost())


def errors_of(
    text: str | bytes, *, name: str | None = None, host: ScriptedHost | None = None
) -> list[Diagnostic]:
    """Read a text that is wrong, and return its errors."""
    data = text.encode() if isinstance(text, str) else text
    try:
        parse(data, "spread.conf", name=name, host=host or ScriptedHost())
    except ConfigurationErrors as errors:
        return list(errors.diagnostics)
    raise AssertionError("the text was read without an error")


def places(diagnostics: list[Diagnostic] | tuple[Diagnostic, ...]) -> list[tuple[int, int]]:
    """Return line and column of each diagnostic."""
    return [(each.line, each.column) for each in diagnostics]


def stages(diagnostics: list[Diagnostic]) -> list[Stage]:
    """Return the stage of each diagnostic."""
    return [each.stage for each in diagnostics]


def warnings_of(
    text: str, *, name: str | None = None, host: ScriptedHost | None = None
) -> list[str]:
    """Read a text that is right, and return its warnings as lines without the file name."""
    loaded = read(text, name=name, host=host)
    return [str(each).removeprefix("spread.conf:") for each in loaded.warnings]
