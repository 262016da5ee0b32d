"""Parameters of the server's log and statistics: what happened, and which query cost what."""

from labdb.domain.tuning.setting import Setting

LOG = "section 20.8"
STATISTICS = "section 20.9"


def observation_settings() -> tuple[Setting, ...]:
    """Return the parameters of logging and statistics."""
    return (
        Setting("shared_preload_libraries", "pg_stat_statements",
                "which queries cost what; needed before any advice", source="section F.32"),
        Setting("pg_stat_statements.max", "10000", "room for several projects' queries",
                source="section F.32"),
        Setting("pg_stat_statements.track", "all", "functions' own statements too",
                source="section F.32"),
        Setting("compute_query_id", "on", "log lines and pg_stat_statements match",
                source=STATISTICS),
        Setting("track_io_timing", "on", "EXPLAIN and pg_stat_statements show I/O time",
                source=STATISTICS),
        Setting("track_functions", "pl",
                "functions of the sky; to time C ones, which run for each row, costs",
                source=STATISTICS),
        Setting("logging_collector", "on", "the server's own log files", source=LOG),
        Setting("log_directory", "log", "below the data directory, on the data disk", source=LOG),
        Setting("log_filename", "postgresql-%a.log", "a week of logs, overwritten", source=LOG),
        Setting("log_rotation_age", "1d", "a file a day", source=LOG),
        Setting("log_rotation_size", "0", "by day only, so that a day is one file", source=LOG),
        Setting("log_truncate_on_rotation", "on", "the disk never fills with logs", source=LOG),
        Setting("log_line_prefix", "%m [%p] %q%u@%d %r ", "when, who, where", source=LOG),
        Setting("log_min_duration_statement", "250ms", "the lab's threshold for a slow query",
                source=LOG),
        Setting("log_checkpoints", "on", "checkpoints tell whether WAL is sized well", source=LOG),
        Setting("log_connections", "on", "who came", source=LOG),
        Setting("log_disconnections", "on", "who left, and after how long", source=LOG),
        Setting("log_lock_waits", "on", "projects that block each other", source=LOG),
        Setting("log_temp_files", "10MB", "sorts that did not fit work_mem", source=LOG),
        Setting("log_autovacuum_min_duration", "1s", "vacuums that cost something", source=LOG),
    )  # fmt: skip
