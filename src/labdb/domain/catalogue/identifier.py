"""Names in statements that are shown to people; what labdb runs itself is quoted by psycopg."""

import re

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check
collate collation column concurrently constraint create cross current_catalog current_date
current_role current_schema current_time current_timestamp current_user default deferrable
desc distinct do else end except false fetch for foreign freeze from full grant group having
ilike in initially inner intersect into is isnull join lateral leading left like limit
localtime localtimestamp natural not notnull null offset on only or order outer overlaps
placing primary references returning right select session_user similar some symmetric
system_user table tablesample then to trailing true union unique user using variadic verbose
when where window with
"""
RESERVED = frozenset(_WORDS.split())
"""Words that are no names of columns without quotes (PostgreSQL 16, appendix C)."""


def quoted(*parts: str) -> str:
    """Return a name as SQL reads it, with quotes where it needs them.

    >>> quoted("dr1", "Order")
    'dr1."Order"'
    """
    return ".".join(
        part
        if _PLAIN.fullmatch(part) and part not in RESERVED
        else '"' + part.replace('"', '""') + '"'
        for part in parts
    )
