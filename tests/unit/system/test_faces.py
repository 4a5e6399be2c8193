"""Both kinds of systems have the same names, with the same arguments and results."""

import ast
from pathlib import Path

import pytest

import spread.system

PLACE = Path(spread.system.__file__).parent

Face = dict[str, str]


def face_of(name: str) -> Face:
    """Return the public names of a module: functions with their arguments, constants without."""
    tree = ast.parse((PLACE / f"{name}.py").read_text("utf-8"))
    found: Face = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            result = "" if node.returns is None else ast.unparse(node.returns)
            found[node.name] = f"({ast.unparse(node.args)}) -> {result}"
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = ""
    return found


def exported_by(name: str) -> set[str]:
    """Return what `__all__` of a module lists."""
    tree = ast.parse((PLACE / f"{name}.py").read_text("utf-8"))
    (listed,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return set(ast.literal_eval(listed))


WINDOWS = face_of("windows") | face_of("windows_console")
POSIX = face_of("posix")


@pytest.mark.parametrize("name", ["posix", "windows"])
def test_a_system_has_every_name_of_the_face(name: str) -> None:
    assert exported_by(name) == set(spread.system.__all__) - {"IS_LINUX"}


@pytest.mark.parametrize("name", sorted(set(spread.system.__all__) - {"IS_LINUX"}))
def test_a_name_means_the_same_on_both(name: str) -> None:
    assert WINDOWS[name] == POSIX[name]


@pytest.mark.parametrize("name", sorted(spread.system.__all__))
def test_this_system_has_the_name(name: str) -> None:
    assert hasattr(spread.system, name)


def test_branches_on_the_system_stand_here_and_nowhere_else() -> None:
    package = PLACE.parent
    askers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.parent != PLACE
        and any(
            isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.platform", "os.name")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }

    # Modules of one system say so in their first lines; the others are about one facility.
    assert askers == {
        "cli/service.py",
        "cli/service_windows.py",
        "client/readiness.py",
        "client/sockets.py",
        "daemon/socket_owner.py",
        "sim/jobs.py",
        "winservice/calls.py",
        "winservice/descriptors.py",
        "winservice/event_source.py",
        "winservice/manager.py",
        "winservice/places.py",
        "winservice/running.py",
    }
