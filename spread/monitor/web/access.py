"""Who may read the page: decisions about one request, without the request.

    bound to this host only    the Host header must name this host: a page of another site that had
                               its own name point here (DNS rebinding) is refused
    bound to more              a token: as `?token=` once, then as a cookie; or as a bearer token

Tokens are compared in constant time and never written anywhere but to the operator's terminal. The
cookie holds a value derived from the token, so that who finds it in a browser's files does not have
the token itself.
"""

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from spread.errors import ConfigurationError

__all__ = ["COOKIE", "TOKEN_SIZE_MIN", "Access", "Credentials", "Verdict", "is_local", "new_token"]

COOKIE: Final = "spmonitor"

TOKEN_SIZE_MIN: Final = 16
"""Characters; a shorter one could be tried out."""

_LOCAL_NAMES: Final = frozenset({"localhost", "localhost.localdomain"})


class Verdict(Enum):
    """What is to be done with a request."""

    SERVE = "serve"
    WELCOME = "the token came along: give a cookie and send on to the page without the token"
    ASK = "ask for the token"
    WRONG_HOST = "refuse: the request names another host"
    WRONG_SITE = "refuse: a page of another site asks"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about who asks."""

    host: str = ""
    """The Host header."""
    token: str | None = None
    """From the query."""
    cookie: str | None = None
    authorization: str | None = None
    fetch_site: str = ""
    """The Sec-Fetch-Site header: how the asking page stands to this one."""
    fetch_mode: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server."""

    token: str | None = field(default=None, repr=False)
    """None if everybody on this host may read."""
    hosts: frozenset[str] | None = None
    """Names that requests may use; None for any, which a token must make up for."""

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < TOKEN_SIZE_MIN:
            raise ConfigurationError(
                f"the token has {len(self.token)} characters; give one of at least "
                f"{TOKEN_SIZE_MIN}, or none and one is made"
            )
        if self.token is None and self.hosts is None:
            raise ConfigurationError("a page that other hosts can open needs a token")

    def judge(self, given: Credentials) -> Verdict:
        """Return what to do with a request."""
        if not self._is_host_right(given.host):
            return Verdict.WRONG_HOST
        if given.fetch_site == "cross-site" and given.fetch_mode != "navigate":
            return Verdict.WRONG_SITE
        if self.token is None:
            return Verdict.SERVE
        if given.token is not None and _same(given.token, self.token):
            return Verdict.WELCOME
        if given.cookie is not None and _same(given.cookie, self.cookie()):
            return Verdict.SERVE
        scheme, _, bearer = (given.authorization or "").partition(" ")
        if scheme.lower() == "bearer" and _same(bearer.strip(), self.token):
            return Verdict.SERVE
        return Verdict.ASK

    def cookie(self) -> str:
        """Return the value of the cookie for who has shown the token."""
        return hmac.new((self.token or "").encode(), b"spmonitor cookie", "sha256").hexdigest()

    def _is_host_right(self, host: str) -> bool:
        if self.hosts is None:
            return True
        name = host_name(host)
        return name in self.hosts or name in _LOCAL_NAMES or is_local(name)


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port and in small letters."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def is_local(address: str) -> bool:
    """Return whether an address can be reached from its own host only."""
    if address in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
