"""When to try again."""

from itertools import islice

import pytest

import spread
from spread.client.reconnection import Reconnection, is_worth_retrying


def test_delay_doubles_up_to_its_limit() -> None:
    policy = Reconnection(delay_s=1.0, delay_s_max=5.0)

    assert list(islice(policy.delays_s(lambda: 0.0), 5)) == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_delay_is_cut_by_chance_to_no_less_than_a_half() -> None:
    policy = Reconnection(delay_s=1.0, delay_s_max=5.0)

    assert list(islice(policy.delays_s(lambda: 1.0), 4)) == [0.5, 1.0, 2.0, 2.5]


@pytest.mark.parametrize(
    "error",
    [
        spread.ConnectError("refused"),
        spread.ConnectTimeoutError("slow"),
        spread.NameNotUniqueError("still taken"),
        spread.SessionRejectedError("full", spread.Code.REJECT_QUOTA),
        spread.SessionClosedError("during the handshake"),
        spread.AddressError("the name server is away, too"),
    ],
)
def test_what_may_pass_is_tried_again(error: spread.SpreadError) -> None:
    assert is_worth_retrying(error)


@pytest.mark.parametrize(
    "error",
    [
        spread.AuthenticationError("wrong password"),
        spread.VersionError("too old"),
        spread.SessionRejectedError("bad name", spread.Code.REJECT_ILLEGAL_NAME),
        spread.ProtocolError("no daemon at all"),
    ],
)
def test_what_stays_wrong_is_not_tried_again(error: spread.SpreadError) -> None:
    assert not is_worth_retrying(error)
