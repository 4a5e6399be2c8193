"""Find the extensions that other installed distributions register as entry points.

Authentication methods (`spread.auth`) and access control policies (`spread.policy`) are named in
the configuration. The names that this package brings itself never come here: what is installed
beside it can add names, not replace one.
"""

from importlib.metadata import entry_points

from spread.errors import ConfigurationError

__all__ = ["installed", "make"]


def installed(group: str) -> tuple[str, ...]:
    """Return the names registered under `group`, sorted, without importing anything."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def make(group: str, name: str, *arguments: object) -> object | None:
    """Import what is registered as `name` under `group` and call it; None if nothing is.

    Raises ConfigurationError when two distributions claim the name, or importing or calling fails.
    """
    entries = tuple(entry_points(group=group, name=name))
    if not entries:
        return None
    if len(entries) > 1:
        claims = ", ".join(sorted(entry.value for entry in entries))
        raise ConfigurationError(
            f"cannot tell which extension {group} {name!r} means: {claims} claim the name; "
            "uninstall all but one"
        )
    try:
        made: object = entries[0].load()(*arguments)
    except ConfigurationError:
        raise
    except Exception as error:  # Whatever a foreign module does while it starts.
        raise ConfigurationError(
            f"cannot use extension {group} {name!r}, which is {entries[0].value}: {error!r}"
        ) from error
    return made
