"""Ansible face of :mod:`labdb.domain.recovery`: which backup set a target needs."""

import json
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleFilterError

# What the filter needs it imports when it is called: see labdb.plugins.filter.labdb.


def labdb_restore_plan(  # noqa: PLR0913  # one argument a variable of the role
    info: Any,
    *,
    type: Any,  # noqa: A002  # the role's and pgBackRest's own word
    target: Any,
    exclusive: Any,
    label: Any,
    repository: Any,
    now: Any,
    space: Any,
    recorded: Any,
) -> dict[str, Any]:
    """Return set, repository, options of ``pgbackrest restore``, WAL and the bytes needed.

    Args:
        info: what ``pgbackrest info`` printed as JSON.
        type: where recovery stops.
        target: what it stops at.
        exclusive: whether the transaction at the target is left out.
        label: the set that is asked for, or nothing.
        repository: the number of the repository that is asked for, or 0.
        now: seconds since the epoch, by the clock of the server.
        space: what ``df --output=avail,size`` printed of the file system.
        recorded: the names of the files of fingerprints, a line each.

    Raises:
        AnsibleFilterError: it cannot be restored; says why and what is possible.
    """
    from labdb.domain.recovery import choice, destination
    from labdb.domain.recovery.records import points
    from labdb.domain.recovery.space import must_fit
    from labdb.domain.recovery.target import parse
    from labdb.errors import LabdbError

    present = datetime.fromtimestamp(int(now), tz=UTC)
    free, size = map(int, str(space).split()[-2:])
    try:
        wanted = parse(type, str(target), now=present, zones={}, exclusive=bool(exclusive))
        found = choice.choose(
            choice.repository(
                json.loads(str(info), strict=False), points(str(recorded).splitlines())
            ),
            wanted,
            now=present,
            label=str(label),
            number=int(repository),
        )
        must_fit(found.needed, destination.space(free, size))
    except LabdbError as error:
        raise AnsibleFilterError(str(error)) from None  # Ansible prints causes too
    return {
        "set": found.set.label,
        "repository": found.set.repository,
        "options": list(wanted.options),
        "wal": [found.wal_first, found.wal_last],
        "needed": found.needed,
    }


class FilterModule:
    """Filter ``labdb_restore_plan``."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"labdb_restore_plan": labdb_restore_plan}
