"""Cookies: by repeating one, an asker shows that he receives what is sent to his address and port.

    cookie = keyed hash of address and port, with a secret that nobody else knows

Nothing is kept for an asker, so a flood of forged addresses fills no memory.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Final

from spread.monitor.queries import COOKIE_SIZE

__all__ = ["PERIOD_NS", "Cookies"]

PERIOD_NS: Final = 60_000_000_000
"""So long a secret makes cookies; for as long again its cookies are still taken."""

SECRET_SIZE: Final = 32

_PLACE: Final = struct.Struct(">IH")


class Cookies:
    """Makes cookies, and tells its own from others; used by one thread only."""

    def __init__(
        self, clock_ns: Callable[[], int], random: Callable[[int], bytes] = os.urandom
    ) -> None:
        """`random` gives so many bytes that nobody can foretell."""
        self._clock_ns = clock_ns
        self._random = random
        self._since_ns = clock_ns()
        self._secret = random(SECRET_SIZE)
        self._before = random(SECRET_SIZE)

    def of(self, address: str, port: int) -> bytes:
        """Return the cookie of an IPv4 address and a port."""
        self._renew()
        return _hash(self._secret, address, port)

    def proves(self, cookie: bytes, address: str, port: int) -> bool:
        """Tell whether it was sent to this address and port, by now or in the last period."""
        self._renew()
        is_new = hmac.compare_digest(cookie, _hash(self._secret, address, port))
        is_old = hmac.compare_digest(cookie, _hash(self._before, address, port))
        return is_new or is_old

    def _renew(self) -> None:
        age_ns = self._clock_ns() - self._since_ns
        if age_ns < PERIOD_NS:
            return
        self._since_ns += age_ns
        # Who has not been heard for two periods has a cookie that is too old by now.
        self._before = self._secret if age_ns < 2 * PERIOD_NS else self._random(SECRET_SIZE)
        self._secret = self._random(SECRET_SIZE)


def _hash(secret: bytes, address: str, port: int) -> bytes:
    place = _PLACE.pack(int(IPv4Address(address)), port)
    return hashlib.blake2b(place, digest_size=COOKIE_SIZE, key=secret).digest()
