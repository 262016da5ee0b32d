"""postgresql.conf computed from a declaration: every value with its reason, within a budget.

Sources of the formulas stand at each value; section numbers are those of the PostgreSQL
16 documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from labdb.domain.memory_budget import (
    ANALYST_TEMP_BUFFERS,
    BudgetLine,
    MemoryBudget,
    memory_budget,
)
from labdb.domain.storage_budget import (
    RECOVERY_GOAL_SECONDS,
    REPLAY_RATE,
    largest_wal,
    temp_file_limit,
)
from labdb.size import UNITS, format_size, human_size
from labdb.spec import RoleKind, Server, WorkloadKind

MB = UNITS["MB"]
GB = UNITS["GB"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter as it is written to postgresql.conf, and why."""

    name: str
    value: str
    reason: str


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
    budget = memory_budget(server)
    settings = (
        *_identity(server),
        *_memory(server.guest.memory, budget),
        *_planner(server, budget),
        *_wal(server, budget),
        *_vacuum(budget),
        *_logging(),
        *_limits(server),
    )
    roles = _roles(budget, server.guest.cpu.total)
    return Tuning(settings, roles, budget.lines, budget.shared_buffers)


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


def _memory(memory: int, budget: MemoryBudget) -> tuple[Setting, ...]:
    return (
        Setting(
            "shared_buffers",
            format_size(budget.shared_buffers),
            f"a quarter of {format_size(memory)} (section 20.4.1)",
        ),
        Setting(
            "effective_cache_size",
            format_size(memory * 5 // 8 // MB * MB),
            "shared_buffers and what is left of the page cache when the budget is in use",
        ),
        Setting(
            "work_mem",
            format_size(budget.work_mem),
            "safe for every connection at once; roles for analysis have more",
        ),
        Setting(
            "hash_mem_multiplier", f"{budget.hash_multiplier:g}", "counted in the memory budget"
        ),
        Setting(
            "temp_buffers",
            format_size(budget.temp_buffers),
            "safe for every connection at once; roles for analysis have more",
        ),
        Setting(
            "maintenance_work_mem",
            format_size(budget.maintenance),
            "a sixteenth of memory: index builds",
        ),
        Setting(
            "autovacuum_work_mem",
            format_size(budget.autovacuum),
            f"{budget.autovacuum_workers} workers at once fit the budget",
        ),
        Setting("huge_pages", "try", "used where the host reserves them, no failure where not"),
    )


def _planner(server: Server, budget: MemoryBudget) -> tuple[Setting, ...]:
    cores, workers = server.guest.cpu.total, budget.parallel_workers
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


def _wal(server: Server, budget: MemoryBudget) -> tuple[Setting, ...]:
    largest = largest_wal(server)
    return (
        Setting("wal_level", "replica", "archiving and physical backups need it"),
        Setting(
            "max_wal_size",
            format_size(largest),
            f"crash recovery within {RECOVERY_GOAL_SECONDS} s at {human_size(REPLAY_RATE)}/s",
        ),
        Setting("min_wal_size", format_size(max(GB, largest // 4)), "segments kept for reuse"),
        Setting("checkpoint_timeout", "15min", "fewer full-page images during loads"),
        Setting("checkpoint_completion_target", "0.9", "spread the writes over the interval"),
        Setting("wal_compression", "lz4", "less WAL to write, archive and replay"),
        Setting(
            "wal_buffers", format_size(budget.wal_buffers), "bulk loads write WAL in large pieces"
        ),
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


def _vacuum(budget: MemoryBudget) -> tuple[Setting, ...]:
    return (
        Setting(
            "autovacuum_max_workers",
            str(budget.autovacuum_workers),
            "counted in the memory budget",
        ),
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
    return (
        Setting(
            "temp_file_limit",
            format_size(temp_file_limit(server)),
            "the declared analysts together cannot fill the data disk",
        ),
        Setting(
            "idle_in_transaction_session_timeout", "1h", "a forgotten transaction blocks vacuum"
        ),
        Setting("lock_timeout", "0", "set by role: analysts wait, applications do not"),
        Setting("statement_timeout", "0", "long analysis is the purpose; set by role"),
        Setting("client_connection_check_interval", "10s", "stop the query of a client that left"),
    )


def _roles(budget: MemoryBudget, cores: int) -> dict[RoleKind, dict[str, str]]:
    gather = str(max(1, min(4, cores // 2)))
    maintenance = format_size(budget.maintenance)
    return {
        "admin": {},
        "owner": {"maintenance_work_mem": maintenance},
        "loader": {
            "maintenance_work_mem": maintenance,
            "synchronous_commit": "off",
            "lock_timeout": "10min",
        },
        "analyst": {
            "work_mem": format_size(budget.analyst_work_mem),
            "temp_buffers": format_size(ANALYST_TEMP_BUFFERS),
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
