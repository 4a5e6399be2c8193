"""The release that runs, for logs and `--version`."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["release"]


def release() -> str:
    """Return the version of the installed distribution, or say that it is not installed."""
    try:
        return version("spreadring")
    except PackageNotFoundError:
        return "not installed"
