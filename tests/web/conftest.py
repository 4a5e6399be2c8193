"""The browser of these tests, and pages that must stay without a fault.

Playwright keeps an event loop in the thread of the tests, so it ends with the module that needs it:
others have loops of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="THE WEB PAGE IS NOT TESTED: pip install playwright")

from playwright.sync_api import Browser

from tests.web.browser import CHROMIUM, WITHOUT_BROWSER, Watched, chromium, opened

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"

Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(WITHOUT_BROWSER)
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open pages that are closed at the end, and fail if one of them had a fault."""
    pages: list[Watched] = []
    with ExitStack() as stack:

        def open_one(address: str, **arguments: object) -> Watched:
            page = stack.enter_context(opened(browser, address, **arguments))  # type: ignore[arg-type]
            pages.append(page)
            return page

        yield open_one
        wrong = [each for page in pages for each in page.wrong]
    assert wrong == []


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Watched], None]:
    """Keep a picture of a page under the test's name, for whoever wants to look."""

    def keep_one(watched: Watched) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{request.node.name}.png"
        watched.page.screenshot(path=path, full_page=True)

    return keep_one
