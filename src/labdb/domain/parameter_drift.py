"""Declared parameters against what the files say now and what the server runs with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from labdb.domain.drift import RESTART_CONTEXTS, Parameter, RunningParameter, differs
from labdb.domain.masked import masked
from labdb.domain.variables import PlannedParameter
from labdb.facts import FileSetting
from labdb.report import Difference, Effect, Finding
from labdb.spec import Server

DROP_IN = "conf.d/10-labdb.conf"
OWN_SESSION = frozenset({"client", "database", "database user", "session", "user"})
"""Sources of a value that only the session that asked has."""
SET_BY_THE_PACKAGE = frozenset(
    {
        "cluster_name",
        "datestyle",
        "default_text_search_config",
        "dynamic_shared_memory_type",
        "external_pid_file",
        "lc_messages",
        "lc_monetary",
        "lc_numeric",
        "lc_time",
        "stats_temp_directory",
        "unix_socket_directories",
    }
)
"""What pg_createcluster and initdb write to postgresql.conf, and labdb leaves to them."""
APPLIED_LATER = "setting could not be applied"
"""The server's words for a file's value that waits for a restart, and for one it overrules."""


def folder(server: Server) -> str:
    """Return the folder of the cluster's configuration files."""
    return f"/etc/postgresql/{server.postgresql.major}/{server.postgresql.cluster}"


def layout(server: Server) -> tuple[PlannedParameter, ...]:
    """Return where the cluster's files are: postgresql.conf says it, no drop-in."""
    places = {
        "data_directory": server.postgresql.data_directory,
        "hba_file": f"{folder(server)}/pg_hba.conf",
        "ident_file": f"{folder(server)}/pg_ident.conf",
    }
    return tuple(
        PlannedParameter(name, value, "the cluster's layout", "postmaster")
        for name, value in places.items()
    )


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is declared (*wanted*, and *layout* of files), and all that was seen of it.

    *drop_in* is labdb's own file; *files* stand in the order in which the server reads them.
    """

    wanted: Sequence[Parameter]
    layout: Sequence[Parameter]
    drop_in: str
    running: Sequence[RunningParameter]
    files: Sequence[FileSetting]

    @property
    def last(self) -> Mapping[str, FileSetting]:
        """The setting that counts for each parameter in the files, by its name in small letters."""
        return {item.name.lower(): item for item in self.files if item.name}

    @property
    def live(self) -> Mapping[str, RunningParameter]:
        """The running parameters by their names in small letters."""
        return {row.name.lower(): row for row in self.running}

    @property
    def is_read(self) -> bool:
        """Tell whether the server reads labdb's own file."""
        return any(item.file == self.drop_in for item in self.files)

    @property
    def leftovers(self) -> tuple[str, ...]:
        """What ``ALTER SYSTEM`` has set; declared or not, it wins over the declaration."""
        return tuple(
            sorted({item.name for item in self.files if item.name and item.is_alter_system})
        )

    @property
    def elsewhere(self) -> tuple[FileSetting, ...]:
        """Settings of other files that win over the declaration, or that it does not have.

        What is written before labdb's own file and declared there does not count.
        """
        places = {parameter.name.lower() for parameter in self.layout}
        declared = {parameter.name.lower() for parameter in self.wanted}
        own = {
            item.name.lower(): number
            for number, item in enumerate(self.files)
            if item.name and item.file == self.drop_in
        }
        found = []
        for number, item in enumerate(self.files):
            key = (item.name or "").lower()
            if not key or key in places or item.file == self.drop_in or item.is_alter_system:
                continue
            if number > own.get(key, number) or (key not in declared and self._is_odd(item)):
                found.append(item)
        return tuple(found)

    def _is_odd(self, item: FileSetting) -> bool:
        """Tell whether a setting that is not declared is neither stock nor without effect."""
        key = (item.name or "").lower()
        row = self.live.get(key)
        if key in SET_BY_THE_PACKAGE:
            return False
        return row is None or row.boot is None or _differ(row, item.value, row.boot)


def parameter_differences(seen: Parameters) -> tuple[Difference, ...]:
    """Return every parameter that is not as declared, in a file or in what runs."""
    elsewhere = seen.elsewhere
    found = [] if seen.is_read else [_not_read()]
    for parameter in (*seen.wanted, *seen.layout):
        difference = _declared(parameter, seen, elsewhere)
        if difference:
            found.append(difference)
    declared = {parameter.name.lower() for parameter in (*seen.wanted, *seen.layout)}
    beyond = {
        item.name.lower(): item
        for item in seen.files
        if item.name and (item.is_alter_system or item.file == seen.drop_in)
    } | {item.name.lower(): item for item in elsewhere if item.name}
    found += [_beyond(item, seen) for key, item in beyond.items() if key not in declared]
    found += _without_file(seen, declared)
    return tuple(found)


def file_findings(files: Iterable[FileSetting]) -> tuple[Finding, ...]:
    """Return what the server cannot read, or would refuse, of its files."""
    return tuple(
        Finding(
            "file",
            "critical",
            f"{item.file} line {item.line}: {item.name or 'cannot be read'}: {item.error}",
            "the server keeps what it has, and does not start with this file",
            "labdb drift --fix writes labdb's own file anew; mend others by hand",
        )
        for item in files
        if item.error and item.error != APPLIED_LATER
    )


def _declared(
    parameter: Parameter, seen: Parameters, elsewhere: Sequence[FileSetting]
) -> Difference | None:
    key = parameter.name.lower()
    row, place = seen.live.get(key), seen.last.get(key)
    runs_otherwise = row is None or (
        row.source not in OWN_SESSION and differs(parameter.value, row)
    )
    is_in_layout = place is None and parameter in seen.layout
    says_otherwise = (
        seen.is_read
        and not is_in_layout
        and (place is None or _differ(row, place.value, parameter.value))
    )
    # With the declared value too: it would win over the next one that is declared.
    wins = place is not None and (place.is_alter_system or place in elsewhere)
    if not (runs_otherwise or says_otherwise or wins):
        return None
    return Difference(
        "parameter",
        parameter.name,
        _effect(row, parameter.context),
        declared=parameter.value,
        file=_hidden(place.value) if place else None,
        running=_hidden(row.shown) if row else None,
        reason=_why(place, row, seen, is_files_fault=says_otherwise or wins),
    )


def _why(
    place: FileSetting | None,
    row: RunningParameter | None,
    seen: Parameters,
    *,
    is_files_fault: bool,
) -> str:
    if place is not None and place.is_alter_system:
        return "ALTER SYSTEM"
    if is_files_fault:
        return _place(place, seen) if place else "no file sets it"
    if not seen.is_read:
        return f"{DROP_IN} is not read"
    if row is not None and row.source == "command line":
        return "given on the command line"
    if row is not None and row.pending_restart:
        return "waits for a restart"
    return "waits for a reload" if row is not None else "no such parameter in the server"


def _place(item: FileSetting, seen: Parameters) -> str:
    """Return file and line; a file beside labdb's own by its short name."""
    return f"{item.file.removeprefix(seen.drop_in.removesuffix(DROP_IN))} line {item.line}"


def _beyond(item: FileSetting, seen: Parameters) -> Difference:
    """Return the row of a setting that the declaration does not have."""
    name = item.name or ""
    row = seen.live.get(name.lower())
    place = "ALTER SYSTEM" if item.is_alter_system else _place(item, seen)
    return Difference(
        "parameter",
        name,
        _effect(row, "sighup"),
        file=_hidden(item.value),
        running=_hidden(row.shown) if row else None,
        reason=f"{place}; not declared",
    )


def _without_file(seen: Parameters, declared: set[str]) -> list[Difference]:
    """Return what still runs although the line that set it is gone."""
    return [
        Difference(
            "parameter",
            row.name,
            _effect(row, row.context),
            running=_hidden(row.shown),
            reason="no file sets it any more; waits for a "
            f"{'restart' if row.context in RESTART_CONTEXTS else 'reload'}",
        )
        for key, row in seen.live.items()
        if row.source == "configuration file" and key not in seen.last and key not in declared
    ]


def _not_read() -> Difference:
    return Difference(
        "file",
        DROP_IN,
        Effect.RELOAD,
        declared="read, and last",
        file="not read",
        reason="absent, or include_dir = 'conf.d' does not stand in postgresql.conf",
    )


def _effect(row: RunningParameter | None, context: str) -> Effect:
    return (
        Effect.RESTART if (row.context if row else context) in RESTART_CONTEXTS else Effect.RELOAD
    )


def _differ(row: RunningParameter | None, one: str | None, other: str | None) -> bool:
    """Tell whether two texts mean different values of the parameter that *row* is."""
    if row is None or one is None or other is None:
        return one != other
    return differs(one, replace(row, setting=other))


def _hidden(value: str | None) -> str | None:
    return None if value is None else masked(value)
