"""What a ledger's text holds: a line of JSON for each drill, or for each export."""

import json
from contextlib import suppress
from typing import Any


def lines(text: str) -> list[dict[str, Any]]:
    r"""Return the ledger's lines, oldest first; one that a full disk cut off is left out.

    >>> lines('{"verdict": "passed"}\n{"verd')
    [{'verdict': 'passed'}]
    """
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return found
