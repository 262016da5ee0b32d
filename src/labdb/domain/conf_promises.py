"""What a postgresql.conf promises in its comments, or its declaration demands, and does not do."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labdb.domain.conf_claims import comments
from labdb.domain.conf_values import Against, Remark, Told, Values, remark

ARCHIVING = re.compile(
    r"\bPITR\b|\bpoint[- ]in[- ]time\b|\b(?:continuous|WAL)[- ](?:archive[sd]?|archiving)\b"
    r"|\b(?:archive[sd]?|archiving) (?:of )?WAL\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Logged:
    """Something that comments say is logged: the *parameter* that logs it, and when it does."""

    pattern: re.Pattern[str]
    parameter: str
    logs: Callable[[Values], bool]
    write: str


def _logged(thing: str, parameter: str, logs: Callable[[Values], bool], write: str) -> Logged:
    """Return what matches ``log slow queries`` and ``slow queries are logged`` alike."""
    of = r"(?: (?:of|for|all|every|each|the|and|new|client))*[ :]+"
    done = r"(?: and \w+)? (?:(?:is|are|being|get) )*"
    pattern = rf"\blog(?:s|ged|ging)?\b{of}(?:{thing})\b|\b(?:{thing}){done}logg(?:ed|ing)\b"
    return Logged(re.compile(pattern, re.IGNORECASE), parameter, logs, write)


LOGGED = (
    _logged(
        r"connections?|connection attempts?",
        "log_connections",
        lambda values: values.value("log_connections") not in ("off", ""),
        "log_connections = on",
    ),
    _logged(
        r"disconnections?",
        "log_disconnections",
        lambda values: values.is_on("log_disconnections"),
        "log_disconnections = on",
    ),
    _logged(
        r"slow (?:quer(?:y|ies)|statements?)",
        "log_min_duration_statement",
        lambda values: values.number("log_min_duration_statement") >= 0,
        "log_min_duration_statement = 250ms",
    ),
    _logged(
        r"lock[ -]waits?",
        "log_lock_waits",
        lambda values: values.is_on("log_lock_waits"),
        "log_lock_waits = on",
    ),
    _logged(
        r"checkpoints?",
        "log_checkpoints",
        lambda values: values.is_on("log_checkpoints"),
        "log_checkpoints = on",
    ),
    _logged(
        r"temp(?:orary)? files?",
        "log_temp_files",
        lambda values: values.number("log_temp_files") >= 0,
        "log_temp_files = 10MB",
    ),
)


def archiving(values: Values, against: Against) -> Iterator[Remark]:
    """Yield why WAL is not archived although somebody counts on it."""
    mode = values.value("archive_mode")
    if mode in ("on", "always"):
        yield from _archiving_that_fails(values)
        return
    claimed = [line for line in comments(values.file) if ARCHIVING.search(line.comment)]
    reasons = [f'line {line.number} says "{line.comment}"' for line in claimed[:1]]
    reasons += [against.archiving] if against.archiving else []
    if not reasons:
        return
    line = values.line("archive_mode")
    told = Told(
        f"archive_mode is {'off' if line else 'not set'}: no WAL is archived, and no recovery "
        "to a point in time is possible",
        "; ".join(reasons),
        "archive_mode = on and an archive_command; a restart brings it into effect",
    )
    place = next((item.number for item in (line, *claimed) if item), 0)
    yield remark(place, "archive_mode", "conf.archive", "critical", told)


def logging(values: Values, _: Against) -> Iterator[Remark]:
    """Yield what comments say is logged and is not."""
    for logged in LOGGED:
        if logged.logs(values):
            continue
        for line in comments(values.file):
            if line.is_setting and line.key == logged.parameter:
                continue
            if logged.pattern.search(line.comment):
                told = Told(
                    f'the comment says "{line.comment}", and {logged.parameter} is not on',
                    "nothing of it reaches the log",
                    logged.write,
                )
                yield remark(line.number, logged.parameter, "conf.logging", "warning", told)
                break


def _archiving_that_fails(values: Values) -> Iterator[Remark]:
    if values.value("wal_level") == "minimal":
        told = Told(
            "archive_mode is on and wal_level minimal: PostgreSQL does not start",
            "minimal WAL cannot be recovered from",
            "wal_level = replica",
        )
        yield values.remark("wal_level", "conf.archive", "critical", told)
    if not values.value("archive_command") and not values.value("archive_library"):
        told = Told(
            "archive_mode is on without an archive_command or archive_library",
            "WAL is kept until somebody archives it: the disk fills",
            "set archive_command, for example to pgbackrest's archive-push",
        )
        yield values.remark("archive_mode", "conf.archive", "critical", told)
