"""The pictures of the operations guide: `make screenshots`, or `python -m tests.web.screenshots`.

A made-up ring, so that the same script gives the same pictures everywhere. They are written to
docs/images with few colours, which keeps them small.
"""

import io
import sys
from pathlib import Path

from PIL import Image

from tests.daemon.harness.waiting import wait_until
from tests.web.browser import DESKTOP, PHONE, chromium, opened
from tests.web.serving import served
from tests.web.synthetic import SyntheticRing, with_findings

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"

SIZE_MAX = 150_000
"""Bytes of a picture, so that the guide opens quickly."""

COLOURS = 128
PAST_S = 170
"""Seconds that the plots show."""

TALL = (1280, 1130)


def well() -> SyntheticRing:
    """Three daemons, nothing wrong."""
    return SyntheticRing(3, past_s=PAST_S)


def lossy() -> SyntheticRing:
    """Findings: a lossy link and a slow session."""
    ring = well()
    with_findings(ring)
    return ring


def dead() -> SyntheticRing:
    """c was killed some seconds ago."""
    ring = well()
    ring.after(PAST_S - 9, lambda: ring.kill("c"))
    ring.after(PAST_S - 6, lambda: ring.form(["a", "b"], cause="a member cannot be reached: c"))
    return ring


def parted() -> SyntheticRing:
    """Five daemons that were parted, met again, and are parted now."""
    ring = SyntheticRing(5, past_s=PAST_S)
    sides = (["a", "b", "c"], ["d", "e"])
    for start_s in (60, PAST_S - 20):
        for number, side in enumerate(sides):
            ring.after(start_s + number, lambda side=side: ring.form(side, cause="token lost"))  # type: ignore[misc]
        if start_s == 60:
            ring.after(95, lambda: ring.form(list(ring.daemons)))
    return ring


def main() -> int:
    """Write all pictures; return the exit status."""
    IMAGES.mkdir(exist_ok=True)
    with chromium() as browser:
        for name, script, size, theme, part in (
            ("page-well", well, TALL, "light", None),
            ("page-findings-dark", lossy, TALL, "dark", None),
            ("page-death", dead, TALL, "light", None),
            ("page-partition", parted, TALL, "light", None),
            ("page-history", parted, DESKTOP, "light", "section.story"),
            ("page-losses", lossy, DESKTOP, "light", "section.pairs"),
            ("page-phone", dead, PHONE, "light", None),
        ):
            ring = script()
            with served(ring) as site:
                wait_until(lambda ring=ring: ring.is_present, "the past to go by")  # type: ignore[misc]
                with opened(browser, f"{site.address}/", size=size, theme=theme) as page:
                    page.page.locator(".node").first.wait_for()
                    page.page.wait_for_timeout(1500)  # Until everything has come to rest.
                    shown = page.page.locator(part) if part else page.page
                    _write(f"{name}.png", shown.screenshot())
    return 0


def _write(name: str, picture: bytes) -> None:
    """Write a picture with few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.quantize(COLOURS, dither=Image.Dither.NONE)
    path = IMAGES / name
    image.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size // 1000} kB")
    if size > SIZE_MAX:
        raise SystemExit(f"{path.name} has more than {SIZE_MAX // 1000} kB; show less in it")


if __name__ == "__main__":
    sys.exit(main())
