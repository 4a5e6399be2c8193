"""Authentication methods and the two lists that put them in force."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from spread.daemon.access_files import AccessDirectory, AccessFiles
from spread.daemon.auth import Authentication, Peer, Transport, Verdict, available_methods
from spread.errors import ConfigurationError, PeerError

LOOPBACK = Peer.at("127.0.0.1", Transport.TCP)
UNIX = Peer.at("", Transport.UNIX)


@pytest.fixture
def files(tmp_path: Path) -> AccessFiles:
    """Access files as the vectors have them."""
    (tmp_path / "spread.access_ip").write_bytes(b"local\n")
    (tmp_path / "spread.access_pword").write_bytes(b"joe:abNANd1rDfiNc\nann:xyZEE6rCYCAv6\n")
    return AccessFiles((AccessDirectory(tmp_path),))


@pytest.fixture
def no_files(tmp_path: Path) -> AccessFiles:
    return AccessFiles((AccessDirectory(tmp_path / "nothing"),))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory from which distributions are found; modules of it are forgotten afterwards."""
    directory = tmp_path / "installed"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    # Recorded first, so that it is absent again after the test, whatever the test imports.
    monkeypatch.setitem(sys.modules, "foreign_auth", sys)
    monkeypatch.delitem(sys.modules, "foreign_auth")
    return directory


def publish(directory: Path, entry_points: str, module: str) -> None:
    (directory / "foreign_auth.py").write_text(module, encoding="utf-8")
    metadata = directory / "foreign_auth-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-auth\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[spread.auth]\n{entry_points}\n", encoding="utf-8")


FOREIGN_METHOD = """
from spread.daemon.auth import Verdict
class Made:
    name = "FOREIGN"
    credentials_size = 3
    warning = ""
    def __init__(self, files): pass
    def check(self, peer, credentials): return Verdict(credentials == b"yes")
"""


def credentials(user: bytes, password: bytes) -> bytes:
    return user.ljust(32, b"\0") + password.ljust(8, b"\0")


def names(plan: Sequence[object]) -> list[str]:
    return [method.name for method in plan]  # type: ignore[attr-defined]  # AuthMethod


def check(authentication: Authentication, peer: Peer, sent: bytes = b"") -> Verdict:
    """Run the only method in force."""
    (method,) = authentication.allowed
    return method.check(peer, sent)


# The lists.


@pytest.mark.parametrize(
    ("allowed", "required", "offer"),
    [
        (["NULL"], [], b"NULL "),
        (["IP"], [], b"IP "),
        (["NULL", "IP"], [], b"NULL IP "),
        (["IP", "NULL", "IP"], [], b"NULL IP "),
        (["PWORD", "IP", "NULL"], [], b"NULL IP PWORD "),
        (["NULL"], ["IP"], b"NULL "),
        ([], ["IP"], b""),
        ([], [], b""),
        (["null"], [], b""),
        (["NULL", "XYZ"], ["ZYX"], b"NULL "),
    ],
)
def test_allowed_methods_are_offered_in_fixed_order(
    files: AccessFiles, allowed: list[str], required: list[str], offer: bytes
) -> None:
    assert Authentication.load(allowed, required, files).offer() == offer


@pytest.mark.parametrize(
    ("allowed", "required", "choice", "plan"),
    [
        (["NULL"], [], [b"NULL"], ["NULL"]),
        (["NULL", "IP"], [], [b"IP"], ["IP"]),
        (["NULL", "IP"], [], [b"IP", b"NULL"], ["IP", "NULL"]),
        (["NULL", "IP"], [], [b"IP", b"IP", b"IP"], ["IP", "IP", "IP"]),
        (["NULL"], ["IP"], [b"NULL"], ["NULL", "IP"]),
        (["NULL"], ["PWORD", "IP"], [b"NULL"], ["NULL", "IP", "PWORD"]),
        (["NULL", "IP"], ["IP"], [b"NULL"], ["NULL", "IP"]),
        (["NULL", "IP"], ["IP"], [b"IP"], ["IP"]),
    ],
)
def test_chosen_methods_run_first_then_the_required_rest(
    files: AccessFiles,
    allowed: list[str],
    required: list[str],
    choice: list[bytes],
    plan: list[str],
) -> None:
    authentication = Authentication.load(allowed, required, files)

    assert names(authentication.plan(choice)) == plan


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ([], "chose no authentication method"),
        ([b"XYZ"], "'XYZ', not offered"),
        ([b"IP"], "'IP', not offered"),
        ([b"NULL", b"IP"], "'IP', not offered"),
        ([b"null"], "'null', not offered"),
        ([b"\xff"], r"'\\\\xff', not offered"),
    ],
)
def test_choice_of_what_is_not_offered_is_refused(
    files: AccessFiles, choice: list[bytes], complaint: str
) -> None:
    authentication = Authentication.load(["NULL"], ["IP"], files)

    with pytest.raises(PeerError, match=complaint):
        authentication.plan(choice)


@pytest.mark.parametrize(
    ("allowed", "required", "plan"),
    [
        (["NULL"], [], ["NULL"]),
        (["NULL", "IP"], [], ["IP"]),
        (["NULL"], ["IP"], ["NULL", "IP"]),
        (["NULL", "IP", "PWORD"], ["NULL"], ["IP", "NULL"]),
    ],
)
def test_old_client_is_checked_by_ip_or_else_null_and_the_required_methods(
    files: AccessFiles, allowed: list[str], required: list[str], plan: list[str]
) -> None:
    authentication = Authentication.load(allowed, required, files)

    assert names(authentication.plan_without_choice()) == plan


@pytest.mark.parametrize(
    ("allowed", "required"),
    [([], []), ([], ["IP"]), (["PWORD"], []), (["NULL"], ["PWORD"])],
)
def test_old_client_is_refused_when_no_plan_fits_it(
    files: AccessFiles, allowed: list[str], required: list[str]
) -> None:
    authentication = Authentication.load(allowed, required, files)

    with pytest.raises(PeerError):
        authentication.plan_without_choice()


def test_unknown_names_are_ignored_with_a_warning(files: AccessFiles) -> None:
    authentication = Authentication.load(["NULL", "XYZ"], ["ZYX"], files)

    assert names(authentication.required) == []
    assert authentication.warnings == (
        "unknown authentication method 'XYZ' is ignored",
        "unknown authentication method 'ZYX' is ignored",
    )


def test_files_of_methods_that_are_not_named_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "spread.access_ip").write_bytes(b"nonsense\n")

    authentication = Authentication.load(["NULL"], [], AccessFiles((AccessDirectory(tmp_path),)))

    assert authentication.warnings == ()


# NULL and IP.


def test_null_passes_everybody(no_files: AccessFiles) -> None:
    assert check(Authentication.load(["NULL"], [], no_files), LOOPBACK) == Verdict(passed=True)


def test_ip_passes_whom_a_rule_admits(files: AccessFiles) -> None:
    assert check(Authentication.load(["IP"], [], files), LOOPBACK).passed


@pytest.mark.parametrize(
    ("peer", "shown"),
    [(Peer.at("192.0.2.1", Transport.TCP), "192.0.2.1"), (UNIX, "the Unix socket")],
)
def test_ip_refuses_others_and_says_whom(files: AccessFiles, peer: Peer, shown: str) -> None:
    verdict = check(Authentication.load(["IP"], [], files), peer)

    assert not verdict.passed
    assert verdict.reason.endswith(f"spread.access_ip admits {shown}")


def test_ip_without_file_passes_nobody_and_warns(no_files: AccessFiles) -> None:
    authentication = Authentication.load(["IP"], [], no_files)

    verdict = check(authentication, LOOPBACK)

    assert not verdict.passed
    assert "there is no file spread.access_ip" in verdict.reason
    assert authentication.warnings == (f"method IP lets nobody in: {verdict.reason}",)


def test_ip_with_an_error_in_its_file_is_refused_at_load(tmp_path: Path) -> None:
    (tmp_path / "spread.access_ip").write_bytes(b"10.0.0.1/8\n")

    with pytest.raises(ConfigurationError, match=r"spread\.access_ip:1: "):
        Authentication.load(["NULL"], ["IP"], AccessFiles((AccessDirectory(tmp_path),)))


def test_load_again_reads_the_file_as_it_is_then(files: AccessFiles, tmp_path: Path) -> None:
    before = Authentication.load(["IP"], [], files)
    (tmp_path / "spread.access_ip").write_bytes(b"192.0.2.1\n")

    after = Authentication.load(["IP"], [], files)

    assert check(before, LOOPBACK).passed
    assert not check(after, LOOPBACK).passed


# PWORD.


@pytest.mark.parametrize(
    "sent",
    [
        credentials(b"joe", b"secret"),
        credentials(b"joe\0trailing bytes", b"secret\0x"),
    ],
)
def test_pword_passes_who_knows_the_password(files: AccessFiles, sent: bytes) -> None:
    verdict = check(Authentication.load(["PWORD"], [], files), LOOPBACK, sent)

    assert verdict == Verdict(passed=True, reply=b"\x01")


@pytest.mark.parametrize(
    "sent",
    [
        credentials(b"joe", b"Secret"),
        credentials(b"joe", b"secretly"),
        credentials(b"joe", b""),
        credentials(b"ann", b"secret"),
        credentials(b"bob", b"secret"),
        credentials(b"", b""),
        b"\xff" * 40,
    ],
)
def test_pword_refuses_others_with_a_zero_byte(files: AccessFiles, sent: bytes) -> None:
    verdict = check(Authentication.load(["PWORD"], [], files), LOOPBACK, sent)

    assert not verdict.passed
    assert verdict.reply == b"\x00"
    assert "secret" not in verdict.reason


def test_pword_without_file_is_refused_at_load(no_files: AccessFiles) -> None:
    with pytest.raises(ConfigurationError, match=r"needs a file spread\.access_pword in .*nothing"):
        Authentication.load(["PWORD"], [], no_files)


def test_pword_without_its_library_names_the_extra(
    files: AccessFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "passlib.hash", None)

    with pytest.raises(ConfigurationError, match=r'pip install "spreadring\[pword\]"'):
        Authentication.load(["PWORD"], [], files)


# Methods of other distributions.


def test_installed_method_is_offered_behind_the_built_in_ones(
    installed: Path, files: AccessFiles
) -> None:
    publish(installed, "FOREIGN = foreign_auth:Made", FOREIGN_METHOD)

    authentication = Authentication.load(["FOREIGN", "NULL"], [], files)

    assert available_methods() == ("NULL", "IP", "PWORD", "FOREIGN")
    assert authentication.offer() == b"NULL FOREIGN "
    assert authentication.allowed[1].check(LOOPBACK, b"yes").passed


def test_installed_method_cannot_replace_a_built_in_one(
    installed: Path, no_files: AccessFiles
) -> None:
    publish(installed, "IP = foreign_auth:Made", FOREIGN_METHOD)

    assert not check(Authentication.load(["IP"], [], no_files), LOOPBACK).passed


@pytest.mark.parametrize(
    ("entry_name", "module", "complaint"),
    [
        ("FOREIGN", "raise RuntimeError('broken')", "broken"),
        ("FOREIGN", "Made = 5", "not callable"),
        ("FOREIGN", "class Made: __init__ = lambda self, files: None", "no .*AuthMethod"),
        ("OTHER", FOREIGN_METHOD, "no .*AuthMethod of that name"),
        ("FOREIGN", FOREIGN_METHOD.replace("= 3", "= 4097"), "4097 bytes of credentials"),
        ("FOREIGN", FOREIGN_METHOD.replace("= 3", "= -1"), "-1 bytes of credentials"),
        ("F" * 30, FOREIGN_METHOD.replace("FOREIGN", "F" * 30), "30 bytes, above 29"),
        ("F\u00d6", FOREIGN_METHOD.replace("FOREIGN", "F\u00d6"), "cannot be sent"),
    ],
)
def test_unusable_installed_method_is_a_configuration_error(
    installed: Path, files: AccessFiles, entry_name: str, module: str, complaint: str
) -> None:
    publish(installed, f"{entry_name} = foreign_auth:Made", module)

    with pytest.raises(ConfigurationError, match=complaint):
        Authentication.load([entry_name], [], files)


def test_error_in_the_configuration_of_a_method_is_passed_on(
    installed: Path, files: AccessFiles
) -> None:
    publish(
        installed,
        "FOREIGN = foreign_auth:Made",
        "from spread.errors import ConfigurationError\n"
        "def Made(files): raise ConfigurationError('spread.ldap:7: no server')",
    )

    with pytest.raises(ConfigurationError, match=r"^spread\.ldap:7: no server$"):
        Authentication.load(["FOREIGN"], [], files)


def test_list_longer_than_its_field_is_refused(installed: Path, files: AccessFiles) -> None:
    long_names = [letter * 29 for letter in "ABC"]
    publish(
        installed,
        "\n".join(f"{name} = foreign_auth:Made_{name[0]}" for name in long_names),
        FOREIGN_METHOD
        + "\n".join(f"class Made_{name[0]}(Made): name = '{name}'" for name in long_names),
    )

    assert len(Authentication.load(long_names, [], files).offer()) == 90
    with pytest.raises(ConfigurationError, match="offers 95 bytes of names; at most 90"):
        Authentication.load(["NULL", *long_names], [], files)
