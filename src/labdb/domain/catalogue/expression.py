"""Expressions of rules: the few words of SQL that can read a row and do nothing else.

An expression comes from a model's file, which may be anybody's. It is taken apart here: what is
not a column of the table, a number, a text, an operator or one of the words below is refused, so
that no subquery, no other function and no second statement comes through.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

FUNCTIONS = frozenset(
    (
        "abs", "acos", "asin", "atan", "atan2", "ceil", "coalesce", "cos", "degrees", "exp",
        "floor", "greatest", "least", "length", "ln", "log", "lower", "mod", "nullif", "pi",
        "power", "radians", "round", "sign", "sin", "sqrt", "tan", "trunc", "upper",
    )
)  # fmt: skip
WORDS = frozenset(
    (
        "and", "or", "not", "is", "null", "in", "between", "like", "true", "false",
        "case", "when", "then", "else", "end", "distinct", "from",
    )
)  # fmt: skip
TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<name>[a-z_][a-z0-9_]*)
    | (?P<text>'(?:[^'\\]|'')*')
    | (?P<operator><=|>=|<>|!=|=|<|>|\+|-(?!-)|\*|/(?!\*)|%|&|\||\(|\)|,)
    )""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)

Kind = Literal["column", "word", "number", "text", "operator"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression; a text is without its quotes."""

    kind: Kind
    text: str


def parse(text: str, columns: Collection[str]) -> tuple[Token, ...]:
    """Return the pieces of *text*, an expression of *columns*.

    Raises:
        ValueError: it has something else in it; the message names that.

    >>> [token.text for token in parse("log(sfr) - logmstar < -11", ("sfr", "logmstar"))]
    ['log', '(', 'sfr', ')', '-', 'logmstar', '<', '-', '11']
    """
    found: list[Token] = []
    place, depth = 0, 0
    text = text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            rest = text[place:].lstrip()
            raise ValueError(f"{text!r}: {rest[:12]!r} is not part of an expression")
        place = match.end()
        token = _token(match, text[place:].lstrip(), columns)
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "operator" else 0
        if depth < 0:
            break
        found.append(token)
    if depth:
        raise ValueError(f"{text!r}: the parentheses do not match")
    if not found:
        raise ValueError("an expression is empty")
    return tuple(found)


def _token(match: re.Match[str], rest: str, columns: Collection[str]) -> Token:
    for kind in ("number", "operator"):
        if match[kind] is not None:
            return Token("number" if kind == "number" else "operator", match[kind])
    if match["text"] is not None:
        return Token("text", match["text"][1:-1].replace("''", "'"))
    name: str = match["name"].lower()
    if rest.startswith("("):
        if name in FUNCTIONS or name in WORDS:
            return Token("word", name)
        raise ValueError(f"{name} is not a function that expressions may have")
    if name in columns:
        return Token("column", name)
    if name in WORDS:
        return Token("word", name)
    raise ValueError(f"{name} is no column of the table, and no word of expressions")
