"""The site: routes, headers of every answer, and the door that checks who asks."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spread.errors import PeerError
from spread.monitor.flight_file import EVENT, Kind
from spread.monitor.report import GroupPage, SessionLine
from spread.monitor.web.access import COOKIE, Access, Credentials, Verdict
from spread.monitor.web.board import Board
from spread.monitor.web.connections import Connections
from spread.monitor.web.metrics import health, metrics, readiness
from spread.monitor.web.streams import Counts, Stream, Streams

__all__ = ["HEADERS", "STATIC", "site"]

STATIC: Final = Path(__file__).parent / "static"

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-cache",
}
"""With every answer: the page is alone with its own server."""

PAGE_MAX: Final = 100
"""Groups in one page of them."""

TRACES: Final = {
    "all": frozenset[str](),
    "membership": frozenset({EVENT, *(kind.name for kind in Kind if kind >= Kind.ALIVE)}),
    "ring": frozenset({EVENT, *(kind.name for kind in Kind if kind is not Kind.DATA)}),
}
"""What of a trace a page may want: everything, without data, or how rings came about."""

TOLD: Final = frozenset({"no-answer", "split-ring"})
"""Rules whose findings the sentences about the whole tell, too."""

PREFIX_SIZE_MAX: Final = 64
"""Bytes; names of groups have at most 31."""

FORM_SIZE_MAX: Final = 4096
"""Bytes of a form; it has a token in it."""


def site(board: Board, access: Access, connections: Connections) -> ASGIApp:
    """Return the site as an application to serve."""
    pages = _Pages(board, connections)
    routes = [
        Route("/", pages.index),
        Route("/stream", pages.stream),
        Route("/api/groups", pages.groups),
        Route("/api/sessions", pages.sessions),
        Route("/api/trace", pages.trace),
        Route("/metrics", pages.metrics),
        Route("/healthz", pages.healthz),
        Route("/readyz", pages.readyz),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return _Door(Starlette(routes=routes), access, board.streams.counts)


class _Pages:
    """What there is to read."""

    def __init__(self, board: Board, connections: Connections) -> None:
        self._board = board
        self._streams = board.streams
        self._connections = connections

    async def index(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html", media_type="text/html")

    async def stream(self, request: Request) -> Response:
        """Everything so far, then what is new as it comes."""
        stream = self._streams.add(lambda: self._connections.drop(request.scope))
        if stream is None:
            return PlainTextResponse(
                "as many pages are open as may be; close one",
                HTTPStatus.SERVICE_UNAVAILABLE,
                {"retry-after": "10"},
            )
        self._connections.last(request.scope)
        return _EventStream(stream, self._streams, self._board.opening())

    async def groups(self, request: Request) -> Response:
        query = request.query_params
        try:
            offset = _number(query.get("offset", "0"), 1_000_000)
            count = _number(query.get("count", "50"), PAGE_MAX)
            prefix = query.get("prefix", "")
            if len(prefix.encode()) > PREFIX_SIZE_MAX:
                raise ValueError(f"prefix is longer than {PREFIX_SIZE_MAX} bytes")
        except ValueError as error:
            return JSONResponse({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        daemon = query.get("daemon", "")
        return await _told(self._board.groups(daemon, offset, count, prefix))

    async def sessions(self, request: Request) -> Response:
        return await _told(self._board.sessions(request.query_params.get("daemon", "")))

    async def trace(self, request: Request) -> Response:
        shown = TRACES.get(request.query_params.get("show", "all"))
        if shown is None:
            names = ", ".join(TRACES)
            return JSONResponse({"error": f"show is one of {names}"}, HTTPStatus.BAD_REQUEST)
        try:
            return JSONResponse(await self._board.trace(shown))
        except PeerError as error:
            return JSONResponse({"error": str(error)}, HTTPStatus.BAD_GATEWAY)

    async def metrics(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        try:
            text, kind = await asyncio.to_thread(
                metrics, self._board.sight, self._streams.counts, accept
            )
        except ModuleNotFoundError:
            return PlainTextResponse(
                'metrics need prometheus-client: pip install "spreadring[metrics]"\n',
                HTTPStatus.NOT_IMPLEMENTED,
            )
        return Response(text, headers={"content-type": kind})

    async def healthz(self, _: Request) -> Response:
        page = self._board.page
        if page is None:
            return _verdict(is_good=False, text="no daemon has been asked yet")
        critical = [
            each.sentence
            for each in page.picture.findings
            if each.severity == "critical" and each.rule not in TOLD
        ]
        is_good, text = health(page.picture.told, critical)
        return _verdict(is_good=is_good, text=text)

    async def readyz(self, _: Request) -> Response:
        is_good, text = readiness(self._board.sight)
        return _verdict(is_good=is_good, text=text)


def _verdict(*, is_good: bool, text: str) -> Response:
    status = HTTPStatus.OK if is_good else HTTPStatus.SERVICE_UNAVAILABLE
    return PlainTextResponse(f"{text}\n", status)


async def _told(question: Awaitable[GroupPage | tuple[SessionLine, ...]]) -> Response:
    """Return the answer of a daemon, or why there is none."""
    try:
        answer = await question
    except PeerError as error:
        return JSONResponse({"error": str(error)}, HTTPStatus.BAD_GATEWAY)
    if isinstance(answer, GroupPage):
        return JSONResponse(asdict(answer))
    return JSONResponse({"sessions": [asdict(each) for each in answer]})


class _EventStream(Response):
    """An answer without an end: events as they are published."""

    def __init__(self, stream: Stream, streams: Streams, opening: str) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._stream = stream
        self._streams = streams
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as the protocol calls it.
        writing = asyncio.create_task(self._write(send))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._streams.remove(self._stream)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await _send_text(send, "retry: 1000\n\n" + self._opening)
        async for text in self._stream.texts():
            await _send_text(send, text)


async def _send_text(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


class _Door:
    """Lets in whom `Access` lets in, and puts HEADERS on every answer."""

    def __init__(self, inside: ASGIApp, access: Access, counts: Counts) -> None:
        self._inside = inside
        self._access = access
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._inside(scope, receive, send)
            return
        verdict = self._access.judge(_credentials(scope))
        app = await self._answer(verdict, scope, receive)
        await app(scope, receive, _with_headers(send))

    async def _answer(self, verdict: Verdict, scope: Scope, receive: Receive) -> ASGIApp:
        if verdict is Verdict.SERVE:
            return self._inside
        if verdict is Verdict.WELCOME:
            return self._welcome()
        if verdict is Verdict.ASK:
            return await self._ask(scope, receive)
        self._counts.turned_away += 1
        text = (
            "the request names another host than this one; open the page as http://localhost, "
            "or allow the name with --host NAME\n"
            if verdict is Verdict.WRONG_HOST
            else "a page of another site may not read this\n"
        )
        return PlainTextResponse(text, HTTPStatus.FORBIDDEN)

    def _welcome(self) -> Response:
        response = Response(status_code=HTTPStatus.SEE_OTHER, headers={"location": "./"})
        response.set_cookie(COOKIE, self._access.cookie(), httponly=True, samesite="strict")
        return response

    async def _ask(self, scope: Scope, receive: Receive) -> ASGIApp:
        """Let in who sends the token with the form, show the form to others."""
        path, method = scope["path"], scope["method"]
        if path == "/enter" and method == "POST":
            token = await _token_of_form(scope, receive)
            if token is None:
                text = f"a form has at most {FORM_SIZE_MAX} bytes\n"
                return PlainTextResponse(text, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            if self._access.judge(Credentials(host=_host(scope), token=token)) is Verdict.WELCOME:
                return self._welcome()
            self._counts.turned_away += 1
            return _form("That is not the token.")
        if path in ("/static/style.css", "/static/icon.svg"):
            return self._inside
        if path == "/":
            self._counts.turned_away += _credentials(scope).token is not None
            return _form("")
        self._counts.turned_away += 1
        return PlainTextResponse("the token is missing or wrong\n", HTTPStatus.UNAUTHORIZED)


def _form(problem: str) -> Response:
    page = (STATIC / "enter.html").read_text(encoding="utf-8").replace("{problem}", problem)
    return Response(page, HTTPStatus.UNAUTHORIZED, media_type="text/html")


async def _token_of_form(scope: Scope, receive: Receive) -> str | None:
    """Return the token in the form, "" without one; None if the form is too large to be read.

    A form whose end does not come is the server's affair: it closes the connection.
    """
    announced = Headers(scope=scope).get("content-length", "0")
    if not announced.isdecimal() or int(announced) > FORM_SIZE_MAX:
        return None
    form = b""
    is_whole = False
    while not is_whole:
        message = await receive()
        form += message.get("body", b"")
        if len(form) > FORM_SIZE_MAX:
            return None
        is_whole = message["type"] == "http.disconnect" or not message.get("more_body")
    return parse_qs(form.decode("utf-8", "replace")).get("token", [""])[0]


def _credentials(scope: Scope) -> Credentials:
    headers = Headers(scope=scope)
    tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token")
    return Credentials(
        host=_host(scope),
        token=tokens[0] if tokens else None,
        cookie=cookie_parser(headers.get("cookie", "")).get(COOKIE),
        authorization=headers.get("authorization"),
        fetch_site=headers.get("sec-fetch-site", ""),
        fetch_mode=headers.get("sec-fetch-mode", ""),
    )


def _host(scope: Scope) -> str:
    return Headers(scope=scope).get("host", "")


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with_headers


def _number(text: str, largest: int) -> int:
    if not text.isdecimal() or int(text) > largest:
        raise ValueError(f"{text!r:.20} is no number from 0 to {largest:,}")
    return int(text)
