"""Ask for the packages of PostgreSQL while something else is looked at."""

import threading

from labdb.adapters import repository
from labdb.report import Finding
from labdb.spec import Repository


class PackageSource:
    """A package repository that is asked meanwhile; a slow one is not waited for."""

    def __init__(self, declared: Repository) -> None:
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._ask, args=(declared,), daemon=True)
        self._thread.start()

    def _ask(self, declared: Repository) -> None:
        self._found.append(repository.check(declared))

    def result(self) -> Finding:
        """Return what was found, or a finding that nothing was in time."""
        self._thread.join(repository.LONGEST)
        if self._found:
            return self._found[0]
        what = f"the package repository did not answer in {repository.LONGEST:.0f} s"
        return Finding("repository", "critical", what, hint=repository.HINT)
