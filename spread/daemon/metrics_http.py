"""As much of HTTP as whoever scrapes metrics needs: one request, one answer, then the end.

Requests without a body only. Whatever else comes is a `PeerError`, and never more than
`REQUEST_SIZE_MAX` bytes are kept of it.
"""

from dataclasses import dataclass
from typing import Final

from spread.errors import PeerError

__all__ = ["REQUEST_SIZE_MAX", "Answer", "Request", "read_request", "write_answer"]

REQUEST_SIZE_MAX: Final = 8 * 1024
"""Scrapers send some hundred bytes; proxies add some."""

_REASONS: Final = {
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for."""

    method: str
    path: str
    """Without the query."""
    accept: str = ""
    """The header of that name: which forms of the text are understood."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def read_request(data: bytes) -> Request | None:
    """Return the request that `data` begins with; None if it is not there as a whole yet.

    Raises PeerError if it cannot become one.
    """
    _check_beginning(data)
    end = data.find(b"\r\n\r\n")
    if end < 0 and len(data) < REQUEST_SIZE_MAX:
        return None
    if not 0 <= end < REQUEST_SIZE_MAX:
        raise PeerError(f"the head of a request is longer than {REQUEST_SIZE_MAX} bytes")
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise PeerError(f"{first[:80]!r} is no request of HTTP/1")
    return Request(words[0], words[1].partition("?")[0], _accept_in(lines))


def _check_beginning(data: bytes) -> None:
    """Refuse early what is no HTTP, such as TLS: its sender would wait for an answer."""
    method = data[:16].partition(b" ")[0]
    if not all(65 <= byte <= 90 for byte in method):
        raise PeerError(f"{data[:16]!r} begins no request of HTTP")


def _accept_in(lines: list[str]) -> str:
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "accept":
            return value.strip()
    return ""


def write_answer(answer: Answer, *, with_body: bool = True) -> bytes:
    """Return the bytes of an answer; without the body for a request of HEAD."""
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n"
        "\r\n"
    )
    return head.encode("ascii") + (answer.body if with_body else b"")
