"""Expressions of rules: what they may hold, and that nothing else comes through."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.catalogue.expression import FUNCTIONS, WORDS, parse

COLUMNS = frozenset(("sfr", "logmstar", "spectype", "select"))


@pytest.mark.parametrize(
    "text",
    [
        "sfr > 0 AND logmstar BETWEEN 6 AND 13",
        "log(nullif(greatest(sfr, 0), 0)) - logmstar < -11",
        "spectype = 'QSO' OR spectype IN ('it''s', '')",
        "case when sfr is null then 1e-3 else .5 end",
        "SFR * 2.",
        "select > 3",  # a column of that name
    ],
)
def test_expressions_of_columns_and_listed_words_pass(text: str) -> None:
    assert parse(text, COLUMNS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pg_sleep(10) IS NULL", "pg_sleep"),
        ("sfr > 0; DROP TABLE x", "';"),
        ("sfr > 0 -- and no more", "'--"),
        ("sfr /* or */ > 0", "'/*"),
        ("(delete from x)", "delete"),
        ("sfr > 0) OR (true", "parentheses"),
        ("((sfr)", "parentheses"),
        ('"sfr" > 0', '"'),
        ("set_config('transaction_read_only', 'off', false) = 'off'", "set_config"),
        ("sfr = $1", "$1"),
        ("spectype = E'\\''", "e is no column"),
        ("spectype = 'a\\'", "'"),
        ("sfr::text = ''", "::text"),
        ("current_user = 'x'", "current_user"),
        ("mass > 3", "mass is no column"),
        ("1x > 0", "1x"),
        ("sfr(1)", "not a function"),
        ("x.sfr > 1", "x is no column"),
        ("  ", "empty"),
        ("spectype = 'open", "'"),
    ],
)
def test_everything_else_is_refused_and_named(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse(text, COLUMNS)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_whatever_comes_through_is_made_of_known_pieces(text: str) -> None:
    try:
        tokens = parse(text, COLUMNS)
    except ValueError:
        return
    for token in tokens:
        match token.kind:
            case "column":
                assert token.text in COLUMNS
            case "word":
                assert token.text in FUNCTIONS | WORDS
            case "number":
                assert float(token.text) >= 0
            case "operator":
                assert ";" not in token.text
                assert token.text not in ("--", "/*")
