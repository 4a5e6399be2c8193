"""Exceptions of the package, by who is to blame.

    SpreadError
     +-- MisuseError            the caller's fault
     +-- PeerError              the other side sent nonsense, refused, or went away
     +-- ConfigurationError     the operator's file or start-up request

Anything else that escapes from this package is a defect of this package.
"""

__all__ = ["ConfigurationError", "MisuseError", "PeerError", "SpreadError"]


class SpreadError(Exception):
    """Root of every exception that this package raises on purpose."""


class MisuseError(SpreadError):
    """The caller asked for something that cannot be done."""


class PeerError(SpreadError):
    """The other side sent nonsense, refused the request, or went away."""


class ConfigurationError(SpreadError):
    """The configuration cannot be used as it stands."""
