"""Parameters that PostgreSQL has renamed or removed, as its release notes tell."""

from dataclasses import dataclass

from labdb.domain.parameters import MAJORS, catalogue


@dataclass(frozen=True, slots=True)
class Retired:
    """When a parameter went, and what stands in its place; empty where nothing does.

    *read* tells whether PostgreSQL still takes the old name: for the new one where there is
    one, else without effect.
    """

    since: str
    instead: str = ""
    read: bool = False


RETIRED = {
    "add_missing_from": Retired("9.0"),
    "checkpoint_segments": Retired("9.5", "max_wal_size"),
    "custom_variable_classes": Retired("9.2"),
    "db_user_namespace": Retired("17"),
    "default_with_oids": Retired("12", read=True),
    "force_parallel_mode": Retired("16", "debug_parallel_query"),
    "krb_srvname": Retired("9.4"),
    "max_fsm_pages": Retired("8.4"),
    "max_fsm_relations": Retired("8.4"),
    "min_parallel_relation_size": Retired("10", "min_parallel_table_scan_size"),
    "old_snapshot_threshold": Retired("17"),
    "operator_precedence_warning": Retired("14"),
    "promote_trigger_file": Retired("16"),
    "replacement_sort_tuples": Retired("11"),
    "silent_mode": Retired("9.2"),
    "sort_mem": Retired("8.0", "work_mem", read=True),
    "sql_inheritance": Retired("10"),
    "ssl_ecdh_curve": Retired("18", "ssl_groups", read=True),
    "ssl_renegotiation_limit": Retired("9.5", read=True),
    "standby_mode": Retired("12", "the file standby.signal"),
    "stats_temp_directory": Retired("15"),
    "trace_recovery_messages": Retired("17"),
    "trigger_file": Retired("12"),
    "unix_socket_directory": Retired("9.3", "unix_socket_directories"),
    "vacuum_cleanup_index_scale_factor": Retired("14"),
    "vacuum_defer_cleanup_age": Retired("16"),
    "vacuum_mem": Retired("8.0", "maintenance_work_mem", read=True),
    "wal_keep_segments": Retired("13", "wal_keep_size"),
}

OLD_VALUES = {("wal_level", "archive"): "replica", ("wal_level", "hot_standby"): "replica"}
"""Values that PostgreSQL still takes and no longer documents, and what they mean."""


def retired(name: str, major: int) -> Retired | None:
    """Return what became of *name* if *major* no longer has it."""
    found = RETIRED.get(name.lower())
    return found if found and float(found.since) <= major else None


def arrives(name: str, major: int) -> int | None:
    """Return the first major version after *major* that has a parameter called *name*."""
    later = (known for known in MAJORS if known > major)
    return next((known for known in later if name.lower() in catalogue(known)), None)
