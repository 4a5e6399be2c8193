"""The Windows event log: one's own source is made and removed, and told what is logged."""

import logging
import sys
import uuid
from collections.abc import Iterator

import pytest

from spread.winservice.events import ERROR, WARNING
from spread.winservice.registration import SYSTEM_ACCOUNT, Registration
from tests.daemon.harness.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="event log of Windows")

if sys.platform == "win32":
    import winreg
    from typing import Any

    from spread.winservice import event_source, manager
    from spread.winservice.calls import advapi32
    from spread.winservice.event_source import register, unregister

    PLACE = r"SYSTEM\CurrentControlSet\Services\EventLog\Application"

    def messages_of(source: str) -> str:
        """Return the program that has the texts of a source. Raise FileNotFoundError."""
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{PLACE}\{source}") as key:
            return str(winreg.QueryValueEx(key, "EventMessageFile")[0])

    @pytest.fixture
    def source() -> Iterator[str]:
        name = f"spread-test-{uuid.uuid4().hex[:8]}"
        yield name
        try:
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, rf"{PLACE}\{name}")
        except FileNotFoundError:
            return  # The test has removed it.


def test_a_source_is_known_from_register_to_unregister(source: str) -> None:
    register(source)
    register(source)
    assert messages_of(source).endswith("EventCreate.exe")

    unregister(source)

    with pytest.raises(FileNotFoundError):
        messages_of(source)


def test_the_source_of_another_program_is_left_alone(source: str) -> None:
    with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, rf"{PLACE}\{source}") as key:
        winreg.SetValueEx(key, "EventMessageFile", 0, winreg.REG_SZ, r"C:\other.dll")

    with pytest.raises(FileExistsError):
        register(source)
    unregister(source)

    assert messages_of(source) == r"C:\other.dll"


def test_a_service_is_a_source_from_install_to_remove(source: str) -> None:
    manager.install(Registration(source, "x", "manual", SYSTEM_ACCOUNT))
    try:
        assert messages_of(source).endswith("EventCreate.exe")
    finally:
        manager.remove(source)

    with pytest.raises(FileNotFoundError):
        messages_of(source)


def test_what_is_logged_is_reported(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wine keeps nothing that could be read again."""
    reported = []

    def report(*arguments: "Any") -> int:
        handle, kind, category, number, user, count, size, strings, data = arguments
        assert (handle, category, user, count, size) == (7, 0, None, 1, 0)
        assert not data
        reported.append((kind, number, strings[0]))
        return 1

    monkeypatch.setattr(advapi32, "RegisterEventSourceW", lambda _host, name: 7 * (name == source))
    monkeypatch.setattr(advapi32, "DeregisterEventSource", lambda _: 1)
    monkeypatch.setattr(advapi32, "ReportEventW", report)
    events = event_source.WindowsEvents(source)
    log = logging.getLogger(f"spread.test.{source}")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(events)

    log.warning("trouble with %s", "d2")
    events.report(ERROR, "x" * (event_source.TEXT_SIZE_MAX + 1))
    log.removeHandler(events)
    wait_until(lambda: len(reported) >= 2, "both events")
    events.close()

    assert reported == [
        (WARNING, event_source.EVENT_ID, "trouble with d2"),
        (ERROR, event_source.EVENT_ID, "x" * event_source.TEXT_SIZE_MAX),
    ]
