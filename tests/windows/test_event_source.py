"""Sources of the Windows event log: one's own is made and removed, that of others is left alone."""

import sys
import uuid
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="event log of Windows")

if sys.platform == "win32":
    import winreg

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
