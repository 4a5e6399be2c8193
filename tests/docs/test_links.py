"""Links between the pages, and to files of the project, lead somewhere."""

from pathlib import PurePosixPath

import pytest

from tests.docs.pages import PAGES, REPOSITORY, headings, links


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (REPOSITORY / page).parent / path if path else REPOSITORY / page

        assert target.exists(), f"{page}: {link}"
        if anchor and target.suffix == ".md":
            shown = str(target.resolve().relative_to(REPOSITORY))
            assert anchor in headings(shown), f"{page}: {link}"


def test_every_page_of_the_site_is_in_its_contents() -> None:
    listed = (REPOSITORY / "docs/index.md").read_text(encoding="utf-8").splitlines()

    for page in PAGES:
        path = PurePosixPath(page)
        if path.parent.name == "docs" and path.stem != "index":
            assert path.stem in listed, page
