"""Expressions of rules as SQL: columns quoted, texts as literals, the rest from a fixed list."""

from collections.abc import Sequence
from typing import Any

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from labdb.domain.catalogue.expression import Token, parse
from labdb.domain.catalogue.table import Table


def expression(text: str, table: Table) -> Composed:
    """Return *text* as SQL, in parentheses.

    Raises:
        ValueError: it is not an expression of the columns of *table*.
    """
    tokens = parse(text, {column.name for column in table.columns})
    return SQL("({})").format(SQL(" ").join(_pieces(tokens)))


def condition(text: str, table: Table) -> Composable:
    """Return the condition *text*, or what is true of all rows where there is none."""
    return expression(text, table) if text else SQL("true")


def _pieces(tokens: Sequence[Token]) -> list[Composable]:
    return [_piece(token) for token in tokens]


def _piece(token: Token) -> Composable:
    if token.kind == "column":
        return Identifier(token.text)
    if token.kind == "text":
        return Literal(token.text)
    listed: Any = token.text  # one of a fixed list, or digits
    return SQL(listed)
