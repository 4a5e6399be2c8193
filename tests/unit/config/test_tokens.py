import pytest

from spread.config.tokens import Kind, scan


def kinds(text: str) -> list[Kind]:
    return [token.kind for token in scan(text.encode())][:-1]


def texts(text: str) -> list[str]:
    return [token.text.decode() for token in scan(text.encode())][:-1]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", Kind.OPEN),
        ("}", Kind.CLOSE),
        ("=", Kind.EQUALS),
        (":", Kind.COLON),
        ("Window", Kind.KEYWORD),
        ("TcpHop", Kind.KEYWORD),
        ("window", Kind.WORD),
        ("yEs", Kind.BOOLEAN),
        ("Off", Kind.TRISTATE),
        ("STATUS", Kind.EVENT),
        ("Status", Kind.WORD),
        ("D", Kind.LETTER),
        ("d", Kind.WORD),
        ("pDEBUG", Kind.PRIORITY),
        ("10.0.0.255:4803", Kind.ADDRESS_PORT),
        ("10.0.0.255", Kind.ADDRESS),
        ("010.300.0.1", Kind.ADDRESS),
        ("123456", Kind.NUMBER),
        ("1234567", Kind.COSTS),
        ("60 ", Kind.COSTS),
        ("0 10\t20", Kind.COSTS),
        ('"a b"', Kind.QUOTED),
        ("'a\n\"b'", Kind.QUOTED),
        ("a=b", Kind.WORD),
        ("[x]", Kind.WORD),
        ("C:\\testlog.out", Kind.WORD),
        ("MaxMessageSize", Kind.WORD),
    ],
)
def test_text_is_one_token_of_its_kind(text: str, kind: Kind) -> None:
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    ["1.2.3.4.5", "1.2.3", "1.2.3.4:", "1.2.3.4:123456", "1.2.3.4,", "x.2.2.255", "1alpha"],
)
def test_almost_an_address_is_a_word(text: str) -> None:
    assert kinds(text) == [Kind.WORD]


def test_blanks_are_needed_around_the_equals_sign() -> None:
    assert texts("Window=60") == ["Window=60"]
    assert texts("Window =60") == ["Window", "=60"]


def test_braces_need_no_blanks() -> None:
    assert kinds("a{PRINT}b") == [Kind.WORD, Kind.OPEN, Kind.EVENT, Kind.CLOSE, Kind.WORD]


def test_comment_may_be_glued_to_a_word_and_ends_with_its_line() -> None:
    assert texts("alpha#rest of it\nbeta") == ["alpha", "beta"]


def test_cost_list_swallows_the_start_of_an_address() -> None:
    assert texts("77 127.0.0.2") == ["77 127", ".0.0.2"]


def test_exclamation_mark_at_the_start_of_a_token_stands_alone() -> None:
    assert kinds("!EVENTS") == [Kind.BANG, Kind.EVENT]
    assert kinds("! EVENTS") == [Kind.BANG, Kind.EVENT]


def test_exclamation_mark_as_last_byte_of_a_line_is_a_word() -> None:
    assert kinds("!\n!") == [Kind.WORD, Kind.WORD]


def test_exclamation_mark_inside_a_word_belongs_to_it() -> None:
    assert texts("ALL!EVENTS") == ["ALL!EVENTS"]


def test_text_glued_behind_quotes_makes_a_word_with_quotes() -> None:
    assert texts('"/var/run"/spread') == ['"/var/run"/spread']


def test_text_glued_before_quotes_makes_two_words() -> None:
    assert texts('a"b c"') == ['a"b', 'c"']


def test_longer_quoted_text_wins_over_the_word_at_its_start() -> None:
    assert kinds('"a b"c') == [Kind.QUOTED, Kind.WORD]


def test_quote_without_partner_is_an_ordinary_byte() -> None:
    assert texts('"/var/run\nalpha') == ['"/var/run', "alpha"]


def test_quote_swallows_lines_up_to_its_partner() -> None:
    assert texts('"a\nb\nc" d') == ['"a\nb\nc"', "d"]


@pytest.mark.parametrize("byte", [b"\x00", b"\x0b", b"\x0c", b"\xef\xbb\xbf", b"\xa0"])
def test_odd_byte_is_part_of_a_word(byte: bytes) -> None:
    (token, _) = scan(byte + b"Window")

    assert token.kind is Kind.WORD
    assert token.text == byte + b"Window"


def test_value_is_the_text_without_its_quotes() -> None:
    assert scan(b"'a b'")[0].value == "a b"


def test_bytes_that_are_not_utf8_survive_in_a_value() -> None:
    value = scan(b"caf\xe9")[0].value

    assert value.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_last_token_is_the_end_at_the_size_of_the_file() -> None:
    assert scan(b"  \n") == [(Kind.END, b"", 3)]
