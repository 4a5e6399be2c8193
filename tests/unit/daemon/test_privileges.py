"""Giving up root: decided on paper, done in processes of their own."""

import os
import shutil
import struct
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

import spread
from spread.config.model import Options
from spread.daemon.privileges import Change, Identity, Plan, PrivilegeError, apply, plan
from spread.errors import ConfigurationError

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change root and user"
)

DEADLINE_S = 20.0


def root(users: Mapping[str, int], groups: Mapping[str, int]) -> Identity:
    return Identity(True, users.get, groups.get)


def wordings(plan: Plan) -> list[str]:
    return [notice.wording for notice in plan.notices]


# The plan.


def test_ordinary_user_changes_nothing_whatever_the_options_say() -> None:
    options = Options(daemon_user="missing", daemon_group="missing", runtime_dir="/missing")

    result = plan(options, Identity(False, {}.get, {}.get))

    assert result.change is None
    assert wordings(result) == ["not started by root, user and root directory stay as they are"]


def test_options_are_obeyed() -> None:
    identity = root({"alice": 5, "spread": 7}, {"staff": 6, "spread": 8})
    options = Options(daemon_user="alice", daemon_group="staff", runtime_dir="/var/run/spread")

    result = plan(options, identity)

    assert result == Plan(Change("alice", 5, "staff", 6, "/var/run/spread"))


def test_user_and_group_are_spread_where_the_system_has_them() -> None:
    identity = root({"spread": 7, "nobody": 9}, {"spread": 8, "nobody": 9})

    result = plan(Options(), identity)

    assert result == Plan(Change("spread", 7, "spread", 8, None))


@pytest.mark.parametrize("group", ["nobody", "nogroup"])
def test_user_and_group_are_nobody_with_a_warning_where_spread_is_missing(group: str) -> None:
    result = plan(Options(), root({"nobody": 9}, {group: 10}))

    assert result.change == Change("nobody", 9, group, 10, None)
    assert wordings(result) == [
        "no user of our own, running as one that others may share",
        "no group of our own, running as one that others may share",
    ]
    assert result.notices[1].fields == {
        "missing": "spread",
        "chosen": group,
        "option": "DaemonGroup",
    }


def test_one_option_does_not_decide_the_other() -> None:
    identity = root({"alice": 5, "spread": 7}, {"alice": 5, "nogroup": 10})

    result = plan(Options(daemon_user="alice"), identity)

    assert result.change == Change("alice", 5, "nogroup", 10, None)
    assert len(result.notices) == 1


def test_user_with_the_rights_of_root_is_obeyed_with_a_warning() -> None:
    identity = root({"root": 0}, {"root": 0})

    result = plan(Options(daemon_user="root", daemon_group="root"), identity)

    assert result.change == Change("root", 0, "root", 0, None)
    assert wordings(result) == [
        "the user keeps the rights of root",
        "the group keeps the rights of root",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(daemon_user="bob"), 'DaemonUser = "bob": this system has no such user'),
        (Options(daemon_group="crew"), 'DaemonGroup = "crew": this system has no such group'),
    ],
)
def test_unknown_name_in_the_options_fails_the_start(options: Options, message: str) -> None:
    identity = root({"spread": 7, "nobody": 9}, {"spread": 8, "nobody": 9})

    with pytest.raises(PrivilegeError, match=message) as caught:
        plan(options, identity)

    assert caught.value.exit_status == 4
    assert isinstance(caught.value, ConfigurationError)


@pytest.mark.parametrize(
    ("users", "groups", "message"),
    [
        ({}, {"spread": 8}, "none of the users spread, nobody; create .* with DaemonUser"),
        ({"spread": 7}, {}, "none of the groups spread, nobody, nogroup; .* with DaemonGroup"),
    ],
)
def test_system_without_any_default_fails_the_start(
    users: Mapping[str, int], groups: Mapping[str, int], message: str
) -> None:
    with pytest.raises(PrivilegeError, match=message):
        plan(Options(), root(users, groups))


def test_plan_without_change_leaves_the_process_alone() -> None:
    before = os.listdir()  # noqa: PTH208 - the working directory itself is looked at.

    apply(Plan(None))

    assert os.listdir() == before  # noqa: PTH208


@pytest.mark.skipif(sys.platform == "win32", reason="no user database")
def test_names_are_looked_up_in_the_databases_of_the_system() -> None:
    identity = Identity.current()

    assert identity.find_user("root") == 0
    assert identity.find_group("root") in (0, None)  # Some systems call it wheel.
    assert identity.find_user("no such user") is None
    assert identity.find_group("no such group") is None
    assert identity.find_user("nul\0byte") is None
    assert identity.find_group("nul\0byte") is None


# The change, in processes of their own.


def run_change(
    *, prefix: tuple[str, ...] = (), before: str = "", script: str = "", **change: object
) -> subprocess.CompletedProcess[str]:
    values = {"user": "u", "user_id": 12345, "group": "g", "group_id": 12346, **change}
    program = f"""
        import os, sys, time
        {before}
        from spread.daemon.privileges import Change, Plan, PrivilegeError, apply
        change = Change(**{ {"root_directory": None, **values}!r})
        try:
            apply(Plan(change))
        except PrivilegeError as error:
            print(error)
            sys.exit(error.exit_status)
        def refuses(call, *arguments):
            try:
                call(*arguments)
            except PermissionError:
                return True
            return False
    """
    return subprocess.run(
        [*prefix, sys.executable, "-c", textwrap.dedent(program) + textwrap.dedent(script)],
        check=False,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(spread.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )


@needs_root
def test_user_group_and_supplementary_groups_change_for_good() -> None:
    result = run_change(
        script="""
            assert os.getresuid() == (12345, 12345, 12345)
            assert os.getresgid() == (12346, 12346, 12346)
            assert os.getgroups() == [12346]
            assert refuses(os.setuid, 0) and refuses(os.setgid, 0) and refuses(os.setgroups, [0])
        """
    )

    assert (result.returncode, result.stderr) == (0, "")


@needs_root
def test_root_directory_changes_when_one_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "inside").touch()

    result = run_change(
        root_directory=str(tmp_path),
        script="""
            assert os.getcwd() == "/"
            assert os.listdir("/") == os.listdir("..") == ["inside"]
            assert refuses(os.chroot, "/")
        """,
    )

    assert (result.returncode, result.stderr) == (0, "")


@needs_root
def test_modules_that_were_to_be_loaded_later_are_there_in_another_root_directory(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)

    result = run_change(
        root_directory=str(tmp_path),
        # As Python 3.15 keeps them: modules, and names within modules.
        before='sys.__dict__.setdefault("lazy_modules", set())'
        '.update(["colorsys", "colorsys.rgb_to_hsv"])',
        script="""
            import colorsys, copy
            try:
                import wave
            except ImportError:
                sys.exit(0)
            sys.exit("the root directory is still the same")
        """,
    )

    assert (result.returncode, result.stderr) == (0, "")


@needs_root
def test_working_directory_stays_without_a_root_directory() -> None:
    result = run_change(script=f"assert os.getcwd() == {os.getcwd()!r}")  # noqa: PTH109

    assert (result.returncode, result.stderr) == (0, "")


@needs_root
@pytest.mark.parametrize("name", ["missing", "file", "nul\0byte"])
def test_root_directory_that_cannot_be_entered_fails_the_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    result = run_change(root_directory=str(tmp_path / name))

    assert result.returncode == 4
    assert "cannot become the root directory" in result.stdout


@needs_root
def test_directory_is_entered_before_the_user_loses_the_right_to(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)

    result = run_change(root_directory=str(tmp_path / "private"), script="os.getcwd()")

    assert (result.returncode, result.stderr) == (0, "")


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to drop capabilities")
@pytest.mark.parametrize("capability", ["setuid", "setgid"])
def test_root_that_may_not_change_the_user_fails_the_start(capability: str) -> None:
    result = run_change(prefix=("setpriv", f"--bounding-set=-{capability}"))

    assert result.returncode == 4
    assert "Operation not permitted; the daemon needs the capabilities" in result.stdout


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to keep capabilities")
def test_user_that_could_become_root_again_fails_the_start() -> None:
    result = run_change(prefix=("setpriv", "--securebits=+no_setuid_fixup"))

    assert result.returncode == 4
    assert 'user "u" can become root again' in result.stdout


def _time_zone_file(path: Path, *, seconds_east: int) -> None:
    # RFC 9636: header, six counts, one local time type, its designation.
    header = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    path.write_bytes(header + struct.pack(">lBB", seconds_east, 0, 0) + b"EST\0")


@needs_root
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a mount namespace")
def test_local_time_stays_the_same_in_another_root_directory(tmp_path: Path) -> None:
    zone, jail = tmp_path / "zone", tmp_path / "root"
    jail.mkdir(mode=0o755)
    _time_zone_file(zone, seconds_east=9 * 3600)
    mount = f'mount --bind {zone} "$(readlink -f /etc/localtime)" || exit 99; exec "$@"'

    result = run_change(
        prefix=("unshare", "--mount", "sh", "-c", mount, "sh"),
        root_directory=str(jail),
        script="""
            time.mktime(time.localtime())
            print(time.strftime("%z"))
        """,
    )

    if result.returncode == 99 or "unshare" in result.stderr:
        pytest.skip("no mount namespace here")
    assert result.stdout == "+0900\n"
