"""Ansible face of :mod:`labdb.adapters.certificate`: whether a server's certificate serves."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

# What the filters need they import when they are called: see labdb.plugins.filter.labdb.


def labdb_public_key(private: Any) -> str:
    """Return the public half of a *private* key; empty when it cannot be read."""
    from labdb.adapters.certificate import public_key

    return public_key(str(private))


def labdb_pair_fault(certificate: Any, key: Any) -> str:
    """Return why *certificate* does not serve with the public *key*; empty when it does."""
    from labdb.adapters.certificate import pair_fault

    return pair_fault(str(certificate), str(key), datetime.now(tz=UTC))


def labdb_issue_fault(
    certificate: Any, key: Any, authority: Any, names: Iterable[Any], remain_days: int
) -> str:
    """Return why *authority* has to issue the *certificate* again; empty when it serves."""
    from labdb.adapters.certificate import Issue, issue_fault

    remain = timedelta(days=int(remain_days))
    wanted = Issue(str(authority), tuple(map(str, names)), remain)
    return issue_fault(str(certificate), str(key), wanted, datetime.now(tz=UTC))


class FilterModule:
    """Filters ``labdb_public_key``, ``labdb_pair_fault`` and ``labdb_issue_fault``."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "labdb_public_key": labdb_public_key,
            "labdb_pair_fault": labdb_pair_fault,
            "labdb_issue_fault": labdb_issue_fault,
        }
