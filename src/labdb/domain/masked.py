"""Passwords that stand inside other values: connection strings, options of pg_hba.conf."""

import re

_SECRET = re.compile(
    r"((?:password|passwd|passphrase|secrets?)\s*=\s*)('(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|[^\s'\"]+)",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return *text* without the passwords in it.

    >>> masked("host=10.1.2.3 password=hush sslmode=require")
    'host=10.1.2.3 password=*** sslmode=require'
    """
    return _SECRET.sub(r"\1***", text)
