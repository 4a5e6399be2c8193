"""Access control policies and how they are found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spread.daemon.access import GuardedPolicy, Permit, Policy, available_policies, load_policy
from spread.errors import ConfigurationError
from tests.daemon import policy_for_vectors

ALICE = b"#alice#d1"


def publish(directory: Path, entry_points: str, module: str) -> None:
    (directory / "foreign_policy.py").write_text(module)
    metadata = directory / "foreign_policy-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-policy\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[spread.policy]\n{entry_points}\n")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory from which distributions are found; modules of it are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("foreign_policy", "policy_for_vectors"):
        # Recorded first, so that it is absent again after the test, whatever the test imports.
        monkeypatch.setitem(sys.modules, name, sys)
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


class Defective(Permit):
    checks_requests = True

    def open_connection(self, private_name: bytes) -> bool:
        raise RuntimeError(f"no idea about {private_name!r}")


def test_permit_allows_everything_and_asks_not_to_be_asked() -> None:
    policy = load_policy("PERMIT")

    assert not policy.checks_requests
    assert policy.open_connection(b"alice")
    assert policy.join_group(ALICE, b"g")
    assert policy.leave_group(ALICE, b"g")
    assert policy.send_to_private_groups(ALICE, [b"#bob#d1"], 0x10, 1)
    assert policy.send_to_groups(ALICE, [b"g"], 0x10, 1)


@pytest.mark.parametrize("name", ["DENY", "permit", ""])
def test_unknown_policy_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no such access control policy: .* PERMIT"):
        load_policy(name)


def test_published_policy_is_available_and_loaded_by_name(installed: Path) -> None:
    policy_for_vectors.publish(installed)

    policy = load_policy("VECTORS")

    assert available_policies() == ("PERMIT", "VECTORS")
    assert isinstance(policy, Policy)
    assert policy.name == "VECTORS"
    assert policy.checks_requests


def test_policy_for_vectors_refuses_what_they_show_refused(installed: Path) -> None:
    policy_for_vectors.publish(installed)

    policy = load_policy("VECTORS")

    assert policy.open_connection(b"alice")
    assert not policy.join_group(ALICE, b"nojoin")
    assert policy.join_group(ALICE, b"noleave")
    assert not policy.leave_group(ALICE, b"noleave")
    assert policy.leave_group(ALICE, b"nojoin")
    assert not policy.send_to_groups(ALICE, [b"grp", ALICE], 0x10, 666)
    assert not policy.send_to_private_groups(ALICE, [ALICE], 0x20, 666)
    assert policy.send_to_private_groups(ALICE, [ALICE], 0x10, 5)
    assert policy.send_to_groups(ALICE, [b"grp"], 0x10, -666)


def test_another_process_finds_a_policy_on_its_python_path(tmp_path: Path) -> None:
    policy_for_vectors.publish(tmp_path)
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    script = "from spread.daemon.access import load_policy; print(load_policy('VECTORS').name)"

    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "VECTORS\n"), done.stderr


def test_installed_policy_cannot_replace_permit(installed: Path) -> None:
    publish(installed, "PERMIT = foreign_policy:Other", "raise RuntimeError('imported')")

    assert isinstance(load_policy("PERMIT"), Permit)
    assert available_policies() == ("PERMIT",)


@pytest.mark.parametrize(
    "module",
    [
        "raise RuntimeError('broken')",
        "",
        "Made = 5",
        "def Made(): raise RuntimeError('broken')",
    ],
)
def test_policy_that_cannot_be_made_is_a_configuration_error(installed: Path, module: str) -> None:
    publish(installed, "MADE = foreign_policy:Made", module)

    with pytest.raises(ConfigurationError, match="'MADE', which is foreign_policy:Made"):
        load_policy("MADE")


def test_object_that_answers_no_questions_is_no_policy(installed: Path) -> None:
    publish(installed, "MADE = foreign_policy:Made", "class Made: name = 'MADE'")

    with pytest.raises(ConfigurationError, match="lacks attributes"):
        load_policy("MADE")


def test_name_that_two_distributions_claim_is_refused(installed: Path) -> None:
    policy_for_vectors.publish(installed)
    publish(installed, "VECTORS = foreign_policy:Made", "")

    with pytest.raises(ConfigurationError, match="uninstall all but one"):
        load_policy("VECTORS")


def test_exception_in_a_policy_denies_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    policy = GuardedPolicy(Defective())

    allowed = policy.open_connection(b"alice")

    assert not allowed
    assert "no idea about b'alice'" in caplog.text
    assert caplog.records[0].name == "spread.event.ACM"


def test_answer_that_is_neither_yes_nor_no_denies() -> None:
    class Silent(Permit):
        def join_group(self, private_group: bytes, group: bytes) -> bool:  # noqa: ARG002
            return None  # type: ignore[return-value]  # What a careless policy does.

    assert GuardedPolicy(Silent()).join_group(ALICE, b"g") is False
