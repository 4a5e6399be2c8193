"""Faults that tests ask for: what log and check say is what the sockets get."""

import pytest

from spread.daemon.findings import probe_sockets
from spread.daemon.wanted_faults import faults_finding, wanted_faults
from spread.errors import ConfigurationError

VARIABLE = "SPREAD_TEST_FAULTS"


def test_without_the_variable_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    assert wanted_faults() is None


def test_faults_are_told_in_the_words_of_who_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "offload=no,buffer=8192")

    faults = wanted_faults()

    assert faults is not None
    found = faults_finding(faults)
    assert found.is_warning
    assert found.wording == "faults are made on purpose"
    assert found.fields == {"variable": VARIABLE, "faults": "offload=no,buffer=8192"}


def test_what_names_no_faults_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "bogus=1")

    with pytest.raises(ConfigurationError, match="bogus"):
        wanted_faults()


def test_sockets_are_probed_without_what_the_faults_take() -> None:
    found = probe_sockets(20_000, offload=False)

    assert (found.segmentation, found.coalescing) == (False, False)
