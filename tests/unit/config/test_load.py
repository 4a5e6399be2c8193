from pathlib import Path

import pytest

from spread.config import ConfigurationErrors, ConfigurationMissing, load, local
from spread.config.load import FILE_SIZE_MAX
from spread.errors import ConfigurationError
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import SEGMENT, errors_of, read

VECTORS = Path(__file__).parents[2] / "vectors" / "config"


def test_file_is_read_for_the_host_it_is_on(tmp_path: Path) -> None:
    path = tmp_path / "spread.conf"
    path.write_text(SEGMENT)

    loaded = load(str(path))

    assert loaded.configuration.me.name == "alpha"
    assert loaded.configuration.path == str(path)
    assert loaded.warnings == ()


def test_missing_file_is_no_wrong_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationMissing, match="No such file"):
        load(str(tmp_path / "none"), host=ScriptedHost())


def test_directory_is_no_wrong_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationMissing, match=r"Is a directory|Permission denied"):
        load(str(tmp_path), host=ScriptedHost())


def test_wrong_file_raises_all_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "spread.conf"
    path.write_text("Window = x\nPersonalWindow = y\n" + SEGMENT)

    with pytest.raises(ConfigurationErrors) as caught:
        load(str(path), host=ScriptedHost())

    assert str(caught.value).count("\n") == 1
    assert str(caught.value).startswith(f"{path}:1:10: found 'x'")


def test_huge_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "spread.conf"
    path.write_bytes(SEGMENT.encode() + b"\n" * FILE_SIZE_MAX)

    with pytest.raises(ConfigurationErrors, match="at most 262144 bytes"):
        load(str(path), host=ScriptedHost())


def test_network_beyond_the_text_under_the_hash_is_refused() -> None:
    daemons = (
        f"{index:0>19} 10.101.101.{index} {{" + f" 10.101.101.{index}" * 8 + " }"
        for index in range(100, 228)
    )
    text = "Spread_Segment 10.101.101.255 {\n" + "\n".join(f'"d{d[1:19]}"{d[19:]}' for d in daemons)

    (error,) = errors_of(text + "\n}\n", name="d000000000000000100")

    assert error.found == "too much network"


def test_archived_mail_of_2004_has_all_its_damage_named() -> None:
    errors = errors_of((VECTORS / "seed-2004-mangled.conf").read_bytes(), name="Machine5")

    assert [(each.line, each.found) for each in errors] == [
        (4, "'{'"),
        (7, "'DebugFlags'"),
        (47, "'defaults'"),
        (49, "'option'"),
    ]


def test_archived_mail_of_2004_repaired_is_read() -> None:
    text = (VECTORS / "seed-2004.conf").read_text(encoding="ascii")

    options = read(text, name="Machine5").configuration.options

    assert options.event_log_file == "C:\\testlog.out"
    assert options.dangerous_monitor


def test_local_configuration_is_one_daemon_on_loopback() -> None:
    configuration = local(5000, "here")

    assert configuration.path is None
    assert configuration.me.name == "here"
    assert configuration.segment.daemons == (configuration.me,)
    assert [(each.address, each.any) for each in configuration.me.interfaces] == [
        ("127.0.0.1", False)
    ]
    assert configuration.hash_text == (
        b"Segment 127.0.0.255:5000 here 127.0.0.1 D C M 127.0.0.1 \nVersion: 4.4\n0"
    )


def test_local_configuration_equals_the_file_that_says_the_same() -> None:
    text = SEGMENT.replace("127.0.0.1\n", "127.0.0.1 { 127.0.0.1 }\n")

    from_file = read(text).configuration

    assert local(5200, "alpha").segments == from_file.segments
    assert local(5200, "alpha").hash == from_file.hash


@pytest.mark.parametrize("port", [0, -1, 65535, 70000])
def test_local_port_out_of_bounds_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"port {port} cannot be used"):
        local(port)
