"""A real browser: the Chromium of this system, driven by Playwright.

Every page notes what must not be: errors on the console, exceptions, requests to other hosts.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

__all__ = [
    "CHROMIUM",
    "DESKTOP",
    "PHONE",
    "WITHOUT_BROWSER",
    "Watched",
    "chromium",
    "opened",
    "window",
]

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
WITHOUT_BROWSER = (
    "THE WEB PAGE IS NOT TESTED: there is no chromium; apt-get install chromium, or name one in "
    "the environment as CHROMIUM"
)

DESKTOP = (1440, 900)
PHONE = (390, 844)

DEADLINE_MS = 30_000
expect.set_options(timeout=DEADLINE_MS)


@dataclass
class Watched:
    """An open page, and what was wrong with it so far."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def watch(self, address: str) -> None:
        """Note errors, and requests to other places than `address`."""
        here = urlsplit(address).netloc

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.wrong.append(f"console: {message.text}")

        def on_request(request: Request) -> None:
            if urlsplit(request.url).netloc != here:
                self.wrong.append(f"request to {request.url}")

        self.page.on("console", on_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"exception: {error}"))
        self.page.on("request", on_request)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser of this system."""
    with sync_playwright() as playwright:
        # Its sandbox needs rights that a container's root does not have.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Browser,
    address: str,
    *,
    size: tuple[int, int] = DESKTOP,
    theme: str = "light",
    motion: str = "no-preference",
    scale: float = 1,
) -> Iterator[Watched]:
    """Open an address in a window of its own."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion=motion,  # type: ignore[arg-type]
        device_scale_factor=scale,
    )
    context.set_default_timeout(DEADLINE_MS)
    try:
        watched = Watched(context.new_page())
        watched.watch(address)
        watched.page.goto(address)
        yield watched
    finally:
        context.close()


@contextmanager
def opened(browser: Browser, address: str, **arguments: object) -> Iterator[Watched]:
    """Open the page and wait until it is live."""
    with window(browser, address, **arguments) as watched:  # type: ignore[arg-type]
        watched.page.locator(".link[data-state=live]").wait_for()
        yield watched
