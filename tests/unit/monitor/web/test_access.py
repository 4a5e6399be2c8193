"""Who may read the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spread.errors import ConfigurationError
from spread.monitor.web.access import (
    Access,
    Credentials,
    Verdict,
    host_name,
    is_local,
    new_token,
)

TOKEN = "correct horse battery"
LOCAL = Access(hosts=frozenset({"ring.example"}))
OPEN = Access(token=TOKEN)


@pytest.mark.parametrize(
    "host", ["localhost:8803", "127.0.0.1:8803", "[::1]:8803", "LOCALHOST", "ring.example:443"]
)
def test_this_host_is_served_under_its_own_names(host: str) -> None:
    assert LOCAL.judge(Credentials(host=host)) is Verdict.SERVE


@pytest.mark.parametrize(
    "host",
    ["evil.example:8803", "127.0.0.1.evil.example", "localhost.evil.example:8803", "", "[::2]:80"],
)
def test_a_name_that_was_made_to_point_here_is_refused(host: str) -> None:
    assert LOCAL.judge(Credentials(host=host)) is Verdict.WRONG_HOST


def test_a_page_of_another_site_may_link_here_but_not_read() -> None:
    asking = Credentials(host="localhost", fetch_site="cross-site", fetch_mode="cors")
    following = Credentials(host="localhost", fetch_site="cross-site", fetch_mode="navigate")

    assert LOCAL.judge(asking) is Verdict.WRONG_SITE
    assert LOCAL.judge(following) is Verdict.SERVE


@pytest.mark.parametrize(
    ("given_", "verdict"),
    [
        (Credentials(), Verdict.ASK),
        (Credentials(token="wrong horse battery"), Verdict.ASK),
        (Credentials(token=""), Verdict.ASK),
        (Credentials(token=TOKEN), Verdict.WELCOME),
        (Credentials(cookie=TOKEN), Verdict.ASK),
        (Credentials(cookie=OPEN.cookie()), Verdict.SERVE),
        (Credentials(authorization=f"Bearer {TOKEN}"), Verdict.SERVE),
        (Credentials(authorization=f"Basic {TOKEN}"), Verdict.ASK),
        (Credentials(authorization="Bearer"), Verdict.ASK),
    ],
)
def test_other_hosts_need_the_token(given_: Credentials, verdict: Verdict) -> None:
    assert OPEN.judge(given_) is verdict


@given(st.text(), st.text(), st.text())
def test_nothing_but_the_token_opens(token: str, cookie: str, authorization: str) -> None:
    found = OPEN.judge(Credentials(token=token, cookie=cookie, authorization=authorization))

    assert found is Verdict.ASK


def test_the_cookie_does_not_tell_the_token() -> None:
    assert TOKEN not in OPEN.cookie()
    assert OPEN.cookie() != Access(token=TOKEN + "!").cookie()


def test_the_token_is_not_shown_where_rules_are_printed() -> None:
    assert TOKEN not in repr(OPEN)


def test_a_short_token_is_refused_and_so_is_none_for_others() -> None:
    with pytest.raises(ConfigurationError, match="has 6 characters"):
        Access(token="secret")
    with pytest.raises(ConfigurationError, match="needs a token"):
        Access()


def test_made_tokens_are_long_and_differ() -> None:
    assert len(new_token()) >= 32
    assert new_token() != new_token()


@given(st.text(max_size=40))
def test_any_host_header_has_a_name_or_none(host: str) -> None:
    assert isinstance(host_name(host), str)
    assert not is_local("x" + host_name(host))
