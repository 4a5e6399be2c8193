"""The text that asks for faults of the network."""

import pytest

from spread._faults import Faults
from spread.errors import ConfigurationError


@pytest.mark.parametrize(
    "text",
    [
        "loss=0.05,dup=0.01,delay_ms=5:20,seed=1",
        "loss=0",
        "loss=1,dup=1.0,reorder=0.5",
        "delay_ms=0.25",
        "delay_ms=0:60000,seed=999999999999999999",
        " loss=0.1, dup=0.1",
    ],
)
def test_faults_are_described_as_they_were_asked_for(text: str) -> None:
    assert Faults(text).describe() == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is none"),
        ("loss", "'loss' is none"),
        ("lost=0.1", "'lost=0.1' is none"),
        ("loss=0.1,loss=0.2", "'loss=0.2' is none"),
        ("loss=0.1,", "'' is none"),
        ("loss=1.1", "'1.1' is no value of loss"),
        ("loss=-0.1", "'-0.1' is no value of loss"),
        ("dup=nan", "'nan' is no value of dup"),
        ("reorder=5%", "'5%' is no value of reorder"),
        ("delay_ms=5:", "'5:' is no value of delay_ms"),
        ("seed=one", "'one' is no value of seed"),
        ("delay_ms=20:5", "write the smaller first"),
        ("delay_ms=0:60001", "none above 60000"),
    ],
)
def test_another_text_is_refused_with_what_is_wrong_in_it(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Faults(text)
