"""postgresql.conf computed from a declaration: every value with its reason, within a budget.

Sources of the formulas stand at each value; section numbers are those of the PostgreSQL
16 documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from labdb.errors import DeclarationError
from labdb.size import UNITS, format_size, human_size
from labdb.spec import RoleKind, Server, WorkloadKind

MB = UNITS["MB"]
GB = UNITS["GB"]
HASH_MULTIPLIER = 2.0
CONNECTION = 3 * MB
"""A backend's own memory beside work_mem: caches and stack; measured by bench later."""
PLAIN_WORK_MEM = 4 * MB
SMALLEST_ANALYST_WORK_MEM = 16 * MB
LARGEST_ANALYST_WORK_MEM = 512 * MB
AUTOVACUUM_WORKERS = 3
REPLAY_RATE = 64 * MB
"""WAL that crash recovery replays in a second on NVMe: a careful figure."""
RECOVERY_GOAL_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter as it is written to postgresql.conf, and why."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A part of the memory that may be needed at the same time; *size* in bytes."""

    name: str
    size: int
    formula: str


@dataclass(frozen=True, slots=True)
class Tuning:
    """What :func:`tune` found: settings, settings of each kind of role, memory budget."""

    settings: tuple[Setting, ...]
    roles: Mapping[RoleKind, Mapping[str, str]]
    budget: tuple[BudgetLine, ...]
    shared_buffers: int


def tune(server: Server) -> Tuning:
    """Compute the parameters of *server*.

    Raises:
        DeclarationError: the declared connections and analysts do not fit the memory.
    """
    memory, cores = server.guest.memory, server.guest.cpu.total
    load = server.workload
    shared = memory // 4
    reserve = max(512 * MB, memory // 10)
    maintenance = _round(min(max(memory // 16, 64 * MB), 2 * GB))
    autovacuum = _round(min(max(memory // 64, 32 * MB), GB))
    workers = max(2, cores)
    processes = load.analytic_sessions + workers
    plain = max(0, load.max_connections - load.analytic_sessions)
    fixed = (
        BudgetLine("shared_buffers", shared, "a quarter of the memory"),
        BudgetLine("operating system", reserve, "a tenth of the memory, at least 512 MB"),
        BudgetLine(
            "connections",
            load.max_connections * CONNECTION,
            f"{load.max_connections} connections x {human_size(CONNECTION)}",
        ),
        BudgetLine("maintenance", maintenance, "one index build at a time"),
        BudgetLine(
            "autovacuum", AUTOVACUUM_WORKERS * autovacuum, f"{AUTOVACUUM_WORKERS} workers at once"
        ),
        BudgetLine(
            "plain sessions",
            plain * PLAIN_WORK_MEM,
            f"{plain} sessions x work_mem {format_size(PLAIN_WORK_MEM)}",
        ),
    )
    left = memory - sum(line.size for line in fixed)
    analyst = _round(int(left / (processes * HASH_MULTIPLIER)))
    if analyst < SMALLEST_ANALYST_WORK_MEM:
        _refuse(server, left, processes)
    analyst = min(analyst, LARGEST_ANALYST_WORK_MEM)
    budget = (
        *fixed,
        BudgetLine(
            "analysts",
            int(processes * analyst * HASH_MULTIPLIER),
            f"({load.analytic_sessions} sessions + {workers} parallel workers) x work_mem "
            f"{format_size(analyst)} x hash_mem_multiplier {HASH_MULTIPLIER:g}",
        ),
    )
    settings = (
        *_identity(server),
        *_memory(memory, shared, maintenance, autovacuum),
        *_planner(server, workers),
        *_wal(server),
        *_vacuum(),
        *_logging(),
        *_limits(server),
    )
    return Tuning(settings, _roles(analyst, maintenance, cores), budget, shared)


def _round(size: int) -> int:
    """Return *size* rounded down to whole megabytes."""
    return size // MB * MB


def _refuse(server: Server, left: int, processes: int) -> None:
    load = server.workload
    need = int(processes * SMALLEST_ANALYST_WORK_MEM * HASH_MULTIPLIER) - left
    raise DeclarationError(
        f"{server.name}: {load.max_connections} connections and {load.analytic_sessions} analytic "
        f"sessions do not fit {format_size(server.guest.memory)} of memory",
        why=f"{human_size(need)} are missing for work_mem {format_size(SMALLEST_ANALYST_WORK_MEM)}",
        hint="declare fewer workload.max_connections (a pooler serves the rest), fewer "
        "workload.analytic_sessions, or more guest.memory",
    )


def _identity(server: Server) -> tuple[Setting, ...]:
    tls = f"/etc/postgresql/{server.postgresql.major}/{server.postgresql.cluster}/tls"
    return (
        Setting(
            "listen_addresses",
            f"localhost,{server.address}",
            "the declared address and loopback, never every interface",
        ),
        Setting("port", str(server.postgresql.port), "declared"),
        Setting("max_connections", str(server.workload.max_connections), "declared"),
        Setting("superuser_reserved_connections", "5", "an operator gets in when all is full"),
        Setting("password_encryption", "scram-sha-256", "the only method that pg_hba.conf accepts"),
        Setting("ssl", "on", "every network connection is encrypted"),
        Setting("ssl_cert_file", f"{tls}/server.crt", "written by role postgresql_tls"),
        Setting("ssl_key_file", f"{tls}/server.key", "made on this host, never leaves it"),
        Setting("ssl_min_protocol_version", "TLSv1.2", "older protocols are broken"),
        Setting("TimeZone", server.postgresql.timezone, "declared; UTC is astronomy's convention"),
        Setting("log_timezone", server.postgresql.timezone, "the same as the sessions"),
        Setting(
            "shared_preload_libraries",
            "pg_stat_statements",
            "which queries cost what; needed before any advice",
        ),
        Setting("pg_stat_statements.max", "10000", "room for several projects' queries"),
        Setting("pg_stat_statements.track", "all", "functions' own statements too"),
    )


def _memory(memory: int, shared: int, maintenance: int, autovacuum: int) -> tuple[Setting, ...]:
    return (
        Setting(
            "shared_buffers",
            format_size(_round(shared)),
            f"a quarter of {format_size(memory)} (section 20.4.1)",
        ),
        Setting(
            "effective_cache_size",
            format_size(_round(memory * 5 // 8)),
            "shared_buffers and what is left of the page cache when the budget is in use",
        ),
        Setting(
            "work_mem",
            format_size(PLAIN_WORK_MEM),
            "safe for every connection at once; roles for analysis have more",
        ),
        Setting("hash_mem_multiplier", f"{HASH_MULTIPLIER:g}", "counted in the memory budget"),
        Setting(
            "maintenance_work_mem", format_size(maintenance), "a sixteenth of memory: index builds"
        ),
        Setting(
            "autovacuum_work_mem", format_size(autovacuum), "three workers at once fit the budget"
        ),
        Setting("huge_pages", "try", "used where the host reserves them, no failure where not"),
        Setting("temp_buffers", "16MB", "temporary tables of analysis sessions"),
    )


def _planner(server: Server, workers: int) -> tuple[Setting, ...]:
    cores = server.guest.cpu.total
    random_cost = {"nvme": "1.1", "ssd": "1.25", "hdd": "4.0"}[server.storage.kind]
    concurrency = {"nvme": "256", "ssd": "128", "hdd": "4"}[server.storage.kind]
    gather = max(1, min(4, cores // 2))
    analytic = server.workload.kind in (WorkloadKind.OLAP, WorkloadKind.MIXED)
    return (
        Setting("random_page_cost", random_cost, f"a random read on {server.storage.kind}"),
        Setting("effective_io_concurrency", concurrency, f"what {server.storage.kind} can queue"),
        Setting("maintenance_io_concurrency", concurrency, "the same for vacuum and index builds"),
        Setting(
            "default_statistics_target",
            "500" if analytic else "100",
            "skewed columns (redshift, mass, sky position) need finer histograms",
        ),
        Setting("jit", "off", "compiling costs more than it saves on queries of seconds"),
        Setting("max_worker_processes", str(workers + 8), "parallel workers and extensions' own"),
        Setting("max_parallel_workers", str(workers), "one for each core"),
        Setting(
            "max_parallel_workers_per_gather", str(gather), "one query takes half the cores at most"
        ),
        Setting("max_parallel_maintenance_workers", str(gather), "the same for index builds"),
    )


def _wal(server: Server) -> tuple[Setting, ...]:
    largest = min(REPLAY_RATE * RECOVERY_GOAL_SECONDS * 4 // 5, server.storage.data.size // 16)
    largest = max(GB, largest // GB * GB)
    return (
        Setting("wal_level", "replica", "archiving and physical backups need it"),
        Setting(
            "max_wal_size",
            format_size(largest),
            f"crash recovery within {RECOVERY_GOAL_SECONDS} s at {human_size(REPLAY_RATE)}/s",
        ),
        Setting("min_wal_size", format_size(max(GB, largest // 4)), "segments kept for re-use"),
        Setting("checkpoint_timeout", "15min", "fewer full-page images during loads"),
        Setting("checkpoint_completion_target", "0.9", "spread the writes over the interval"),
        Setting("wal_compression", "lz4", "less WAL to write, archive and replay"),
        Setting("wal_buffers", "64MB", "bulk loads write WAL in large pieces"),
        Setting("archive_mode", "on", "point-in-time recovery"),
        Setting(
            "archive_command",
            f"pgbackrest --stanza={server.stanza} archive-push %p",
            "asynchronous, into the encrypted repository",
        ),
        Setting(
            "archive_timeout",
            f"{server.backup.archive_timeout_seconds}s",
            "an idle server loses no more than this",
        ),
        Setting("max_wal_senders", "5", "backups and one standby to come"),
        Setting(
            "max_slot_wal_keep_size",
            format_size(largest * 2),
            "a forgotten slot must not fill the disk",
        ),
    )


def _vacuum() -> tuple[Setting, ...]:
    return (
        Setting("autovacuum_max_workers", str(AUTOVACUUM_WORKERS), "counted in the memory budget"),
        Setting(
            "autovacuum_vacuum_scale_factor", "0.05", "20 % of millions of rows is far too late"
        ),
        Setting(
            "autovacuum_vacuum_insert_scale_factor",
            "0.05",
            "bulk-loaded tables get their visibility map soon",
        ),
        Setting("autovacuum_analyze_scale_factor", "0.02", "fresh statistics after a load"),
        Setting("autovacuum_vacuum_cost_limit", "2000", "NVMe can take it"),
    )


def _logging() -> tuple[Setting, ...]:
    return (
        Setting("logging_collector", "on", "the server's own log files"),
        Setting("log_directory", "log", "below the data directory, on the data disk"),
        Setting("log_filename", "postgresql-%a.log", "a week of logs, overwritten"),
        Setting("log_rotation_age", "1d", "a file a day"),
        Setting("log_rotation_size", "0", "by day only, so that a day is one file"),
        Setting("log_truncate_on_rotation", "on", "the disk never fills with logs"),
        Setting("log_line_prefix", "%m [%p] %q%u@%d %r ", "when, who, where"),
        Setting("log_min_duration_statement", "250ms", "the lab's threshold for a slow query"),
        Setting("log_checkpoints", "on", "checkpoints tell whether WAL is sized well"),
        Setting("log_connections", "on", "who came"),
        Setting("log_disconnections", "on", "who left, and after how long"),
        Setting("log_lock_waits", "on", "projects that block each other"),
        Setting("log_temp_files", "10MB", "sorts that did not fit work_mem"),
        Setting("log_autovacuum_min_duration", "1s", "vacuums that cost something"),
        Setting("track_io_timing", "on", "EXPLAIN and pg_stat_statements show I/O time"),
        Setting("track_functions", "all", "sky functions show up in statistics"),
        Setting("compute_query_id", "on", "log lines and pg_stat_statements match"),
    )


def _limits(server: Server) -> tuple[Setting, ...]:
    temp = max(GB, server.storage.data.size // 8 // GB * GB)
    return (
        Setting("temp_file_limit", format_size(temp), "one session cannot fill the data disk"),
        Setting(
            "idle_in_transaction_session_timeout", "1h", "a forgotten transaction blocks vacuum"
        ),
        Setting("lock_timeout", "0", "set by role: analysts wait, applications do not"),
        Setting("statement_timeout", "0", "long analysis is the purpose; set by role"),
        Setting("tcp_keepalives_idle", "300", "find dead clients within minutes"),
        Setting("client_connection_check_interval", "10s", "stop the query of a client that left"),
    )


def _roles(analyst: int, maintenance: int, cores: int) -> dict[RoleKind, dict[str, str]]:
    gather = str(max(1, min(4, cores // 2)))
    return {
        "admin": {},
        "owner": {"maintenance_work_mem": format_size(maintenance)},
        "loader": {
            "maintenance_work_mem": format_size(maintenance),
            "synchronous_commit": "off",
            "lock_timeout": "10min",
        },
        "analyst": {
            "work_mem": format_size(analyst),
            "max_parallel_workers_per_gather": gather,
            "statement_timeout": "12h",
            "idle_in_transaction_session_timeout": "30min",
        },
        "application": {
            "statement_timeout": "30s",
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "1min",
            "max_parallel_workers_per_gather": "0",
        },
        "monitoring": {"statement_timeout": "15s", "max_parallel_workers_per_gather": "0"},
        "backup": {"statement_timeout": "0", "max_parallel_workers_per_gather": "0"},
    }
