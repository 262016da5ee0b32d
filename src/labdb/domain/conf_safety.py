"""What in a postgresql.conf puts data, passwords or the server at risk, or is sorely missed.

Section numbers are those of the PostgreSQL 16 documentation.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labdb.domain.conf_values import Against, Remark, Told, Values, known, remark
from labdb.report import Severity

EVERYWHERE = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - what is looked for, not used
CHEAP_RANDOM_READ = 2.0
"""random_page_cost below this says: no disk that turns."""
DURABLE = {
    "fsync": "a crash of the machine leaves a cluster that cannot be trusted (section 20.5.1)",
    "full_page_writes": "a crash tears pages that no WAL can mend (section 20.5.1)",
}


def durability(values: Values, _: Against) -> Iterator[Remark]:
    """Yield what trades the data's safety for speed."""
    for name, why in DURABLE.items():
        if not values.is_on(name):
            told = Told(f"{name} is off", why, "remove the line; the default is on")
            yield values.remark(name, "conf.durability", "critical", told)


def network(values: Values, _: Against) -> Iterator[Remark]:
    """Yield how data crosses a network in the clear, and who may knock."""
    listens = {word.strip() for word in str(values.value("listen_addresses")).split(",")}
    encrypted = values.is_on("ssl")
    if not encrypted:
        told = Told(
            f"ssl is {'off' if values.line('ssl') else 'not set'}: connections are not encrypted",
            "passwords' exchanges and data cross the network in the clear",
            "ssl = on with ssl_cert_file and ssl_key_file, and hostssl in pg_hba.conf",
        )
        yield values.remark("ssl", "conf.tls", "warning", told)
    if listens & EVERYWHERE:
        told = Told(
            f"listen_addresses {', '.join(sorted(listens))}: every interface"
            f"{'' if encrypted else ', and no TLS'}",
            "an interface that is added later is open from its first moment",
            "name the server's address and localhost",
        )
        severity: Severity = "info" if encrypted else "critical"
        yield values.remark("listen_addresses", "conf.listen", severity, told)


def passwords(values: Values, _: Against) -> Iterator[Remark]:
    """Yield how passwords are kept, where that is not safe."""
    if values.value("password_encryption") == "md5":
        told = Told(
            "password_encryption is md5",
            "its hashes serve in place of the password, and PostgreSQL is dropping it "
            "(section 21.5)",
            "remove the line, the default is scram-sha-256; then set each password anew",
        )
        yield values.remark("password_encryption", "conf.password", "warning", told)


@dataclass(frozen=True, slots=True)
class _Missed:
    """A default that a server of this kind should not be left with, and when it matters."""

    name: str
    matters: Callable[[Values], bool]
    what: str
    hint: str


MISSED = (
    _Missed(
        "shared_preload_libraries",
        lambda _: True,
        "nobody can tell which query costs what",
        "shared_preload_libraries = pg_stat_statements",
    ),
    _Missed(
        "effective_io_concurrency",
        lambda values: values.number("random_page_cost") < CHEAP_RANDOM_READ,
        "random_page_cost says that the disk is fast, and bitmap scans read ahead as from a slow "
        "one",
        "effective_io_concurrency = 256 on NVMe",
    ),
    _Missed(
        "wal_compression",
        lambda _: True,
        "full-page images after each checkpoint are written, kept and archived as they are",
        "wal_compression = lz4",
    ),
    _Missed(
        "max_slot_wal_keep_size",
        lambda values: values.number("max_replication_slots") > 0,
        "a forgotten replication slot keeps WAL until the disk is full",
        "max_slot_wal_keep_size = twice max_wal_size",
    ),
    _Missed(
        "idle_in_transaction_session_timeout",
        lambda _: True,
        "a forgotten transaction holds back vacuum for as long as its client lives",
        "idle_in_transaction_session_timeout = 1h",
    ),
    _Missed(
        "autovacuum_vacuum_insert_scale_factor",
        lambda values: values.is_on("autovacuum"),
        "a loaded catalogue waits until a fifth of it is new before index-only scans work",
        "autovacuum_vacuum_insert_scale_factor = 0.05",
    ),
    _Missed(
        "log_line_prefix",
        lambda values: values.number("log_min_duration_statement") >= 0,
        "slow queries are logged without the role and the database that they came from",
        "log_line_prefix = '%m [%p] %q%u@%d %r '",
    ),
    _Missed(
        "log_truncate_on_rotation",
        lambda values: values.is_on("logging_collector"),
        "log files are never removed by PostgreSQL itself: the disk fills",
        "log_filename = postgresql-%a.log with log_truncate_on_rotation = on keeps a week",
    ),
)


def missed(values: Values, _: Against) -> Iterator[Remark]:
    """Yield what is not set and should not be left at its default."""
    for item in MISSED:
        if values.line(item.name) or not item.matters(values) or not known(item.name, values.major):
            continue
        told = Told(f"{item.name} is not set: {item.what}", hint=item.hint)
        yield remark(0, item.name, "conf.missing", "info", told)
