from spread.config.diagnostics import (
    KEPT_MAX,
    ConfigurationErrors,
    ConfigurationMissing,
    Diagnostic,
    Findings,
    Source,
    Stage,
    show,
)
from spread.config.tokens import Kind, Token


def test_error_is_one_line_with_place_finding_and_remedy() -> None:
    error = Diagnostic("a.conf", 3, 7, "'x'", "no such thing", "y", Stage.PARSE)

    assert str(error) == "a.conf:3:7: found 'x': no such thing; write y"


def test_warning_says_that_it_is_one() -> None:
    warning = Diagnostic("a.conf", 3, 7, "'x'", "it bites", "", Stage.WARNING)

    assert str(warning) == "a.conf:3:7: warning: found 'x': it bites"


def test_errors_are_one_line_each() -> None:
    one = Diagnostic("a.conf", 1, 1, "'x'", "bad", "y", Stage.PARSE)
    two = Diagnostic("a.conf", 2, 1, "'z'", "bad", "y", Stage.LOAD)

    errors = ConfigurationErrors([one, two])

    assert str(errors) == f"{one}\n{two}"
    assert errors.exit_status == 1


def test_missing_file_names_reason_and_advice() -> None:
    missing = ConfigurationMissing("a.conf", "no such file", "name another")

    assert str(missing) == "a.conf: cannot be read: no such file; name another"
    assert missing.exit_status == 2


def test_lines_and_columns_count_from_one() -> None:
    source = Source(b"ab\n\tcd", "a.conf")

    assert source.position(0) == (1, 1)
    assert source.position(2) == (1, 3)
    assert source.position(4) == (2, 2)


def test_column_counts_characters() -> None:
    source = Source("café x".encode(), "a.conf")

    assert source.position(6) == (1, 6)


def test_column_behind_bytes_that_are_not_utf8_exists() -> None:
    assert Source(b"\xff\xfe x", "a.conf").position(3) == (1, 4)


def test_second_syntax_error_at_one_place_is_a_consequence_of_the_first() -> None:
    findings = Findings(Source(b"abc", "a.conf"))
    token = Token(Kind.WORD, b"abc", 0)

    findings.syntax(token, "first", "x")
    findings.syntax(token, "second", "x")

    assert [each.message for each in findings.errors] == ["first"]


def test_findings_come_in_file_order() -> None:
    findings = Findings(Source(b"a b", "a.conf"))

    findings.error(Token(Kind.WORD, b"b", 2), "later", "x", Stage.PARSE)
    findings.error(Token(Kind.WORD, b"a", 0), "earlier", "x", Stage.LOAD)

    assert [each.message for each in findings.errors] == ["earlier", "later"]


def test_findings_are_full_after_many_errors_and_keep_no_more() -> None:
    findings = Findings(Source(b"a", "a.conf"))
    tokens = [Token(Kind.WORD, b"a", index) for index in range(KEPT_MAX + 5)]

    for token in tokens:
        findings.error(token, f"number {token.offset}", "x", Stage.PARSE)
        findings.warn(token, f"number {token.offset}")

    assert findings.is_full
    assert len(findings.errors) == KEPT_MAX
    assert len(findings.warnings) == KEPT_MAX


def test_shown_text_stays_on_one_line_and_short() -> None:
    assert show(b"a\nb\x00") == "'a\\nb\\x00'"
    assert show(b"\xff") == "'\\xff'"
    assert len(show(b"x" * 1000)) < 60
