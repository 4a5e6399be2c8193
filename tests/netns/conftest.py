"""Without root, or where networks cannot be made, all tests here are skipped with the reason."""

import pytest

from bench.namespaces import why_impossible


@pytest.fixture(scope="session", autouse=True)
def networks() -> None:
    """Networks can be made here."""
    reason = why_impossible()
    if reason:
        pytest.skip(reason)
