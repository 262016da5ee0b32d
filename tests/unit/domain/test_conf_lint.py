"""A postgresql.conf that promises too much, or does too little, is found out line by line."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.pages import TOP

from labdb.domain.conf_file import parse, write
from labdb.domain.conf_lint import lint
from labdb.domain.conf_values import Against, Remark
from labdb.domain.parameters import MAJORS, catalogue
from labdb.domain.retired_parameters import RETIRED
from labdb.domain.variables import postgresql_parameters
from labdb.errors import DeclarationError
from labdb.spec import Server

GB = 1 << 30
SAFE = "ssl = on\n"

# Written from what is known of the lab's own file (version 2.0, 8 cores, 32 GB): values and
# reasons, not its words.
LAB = """\
# proj-pg01: 8 cores, 32 GB RAM
# WAL archiving allows point-in-time recovery
listen_addresses = '*'
port = 5432
max_connections = 200                   # cluster workers and analysts
data_directory = '/mnt/data/pg01'
shared_buffers = 8GB                    # 25% of RAM
effective_cache_size = 24GB             # 75% of RAM
maintenance_work_mem = 2GB              # index builds
work_mem = 256MB                        # big sorts
wal_buffers = -1
min_wal_size = 2GB
max_wal_size = 8GB                      # fewer checkpoints in loads
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
max_worker_processes = 8                # = cores
max_parallel_workers = 8                # = cores
max_parallel_workers_per_gather = 4     # half of cores
max_parallel_maintenance_workers = 4    # half of cores
random_page_cost = 1.1                  # NVMe
jit = on
default_statistics_target = 100         # Higher statistics
statement_timeout = 0                   # long analytics
timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%Y-%m-%d_%H%M%S.log'
log_min_duration_statement = 250ms
log_checkpoints = on
log_lock_waits = on
log_temp_files = 0
log_autovacuum_min_duration = 0
# connections and disconnections are logged
"""


def _found(text: str, **known: Any) -> list[Remark]:
    return list(lint(parse(text), Against(**known)))


def _by_check(remarks: list[Remark]) -> dict[str, list[Remark]]:
    checks: dict[str, list[Remark]] = {}
    for item in remarks:
        checks.setdefault(item.finding.check, []).append(item)
    return checks


def _problems(text: str, **known: Any) -> list[tuple[int, str, str]]:
    return [
        (item.line, item.finding.check, item.parameter)
        for item in _found(text, **known)
        if item.finding.is_problem
    ]


def test_the_labs_own_file_gives_the_known_findings() -> None:
    found = _by_check(_found(LAB, memory=32 * GB, cores=8))
    (memory,) = found["conf.memory"]
    assert (memory.line, memory.finding.severity) == (10, "critical")
    assert "200 connections x work_mem 256MB = 50.0 GB for one sort each" in memory.finding.why
    (comment,) = found["conf.comment"]
    assert (comment.line, comment.parameter) == (22, "default_statistics_target")
    assert '"Higher statistics", and 100 is PostgreSQL\'s default' in comment.finding.what
    (archive,) = found["conf.archive"]
    assert archive.finding.what.startswith("line 2: archive_mode is not set")
    assert [item.line for item in found["conf.logging"]] == [33, 33]
    assert [item.parameter for item in found["conf.tls"]] == ["ssl"]
    assert [item.line for item in found["conf.listen"]] == [3]
    assert {item.parameter for item in found["conf.missing"]} == {
        "shared_preload_libraries",
        "effective_io_concurrency",
        "wal_compression",
        "max_slot_wal_keep_size",
        "idle_in_transaction_session_timeout",
        "autovacuum_vacuum_insert_scale_factor",
        "log_line_prefix",
        "log_truncate_on_rotation",
    }
    defaults = {item.parameter for item in found["conf.default"]}
    assert defaults >= {"max_worker_processes", "jit", "checkpoint_completion_target"}
    assert not defaults & {"work_mem", "max_wal_size", "random_page_cost", "TimeZone"}
    assert "conf.unknown" not in found
    assert "conf.value" not in found


def test_the_labs_own_file_fits_the_declared_8_gb_even_less() -> None:
    found = _by_check(_found(LAB, memory=8 * GB, cores=8))
    assert {item.parameter for item in found["conf.memory"]} == {
        "work_mem",
        "shared_buffers",
        "effective_cache_size",
    }
    claims = {item.parameter: item.finding.what for item in found["conf.comment"]}
    assert "25 % of 8.0 GB is 2.0 GB, not 8.0 GB" in claims["shared_buffers"]
    assert "effective_cache_size" in claims


@pytest.mark.parametrize(
    ("text", "check", "line"),
    [
        ("work_mem = 1.5GB", "conf.syntax", 1),
        ("work_mem = 8MB\nWORK_MEM = 9MB", "conf.duplicate", 1),
        ("checkpoint_segments = 32", "conf.unknown", 1),
        ("io_workers = 4", "conf.unknown", 1),
        ("wrok_mem = 8MB", "conf.unknown", 1),
        ("pg_stat_statements.maximum = 5", "conf.unknown", 1),
        ("work_mem = 8gb", "conf.value", 1),
        ("max_connections = many", "conf.value", 1),
        ("max_connections = 0", "conf.value", 1),
        ("wal_compression = gzip", "conf.value", 1),
        ("wal_level = hot_standby", "conf.value", 1),
        ("fsync = off", "conf.durability", 1),
        ("full_page_writes = f", "conf.durability", 1),
        ("password_encryption = md5", "conf.password", 1),
        ("ssl = off", "conf.tls", 1),
        ("# recovery to any point in time (PITR)\nwork_mem = 8MB", "conf.archive", 1),
        ("archive_mode = on", "conf.archive", 1),
        ("archive_mode = on\narchive_command = x\nwal_level = minimal", "conf.archive", 3),
        ("# we log all connections", "conf.logging", 1),
        ("# slow queries are logged", "conf.logging", 1),
        ("# Log lock waits", "conf.logging", 1),
        ("log_checkpoints = off\n# checkpoints are logged", "conf.logging", 2),
        ("shared_buffers = 1GB\nmax_connections = 5000", "conf.memory", 2),
    ],
)
def test_a_fault_is_found_where_it_stands(text: str, check: str, line: int) -> None:
    problems = _problems(text + "\n", memory=8 * GB)
    assert (line, check) in {(number, name) for number, name, _ in problems}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("work_mem = 8gb", "did you mean 8GB?"),
        ("work_mem = 8 gib", "write it as: name = 'value'"),
        ("work_mem = '8 GiB'", "did you mean 8GB?"),
        ("work_mem = 8192K", "did you mean 8192kB?"),
        ("statement_timeout = 5m", "units are us, ms, s, min, h, d"),
        ("wrok_mem = 8MB", "did you mean work_mem?"),
        ("wal_keep_segments = 8", "write wal_keep_size"),
        ("force_parallel_mode = on", "write debug_parallel_query"),
        ("operator_precedence_warning = on", "remove the line"),
    ],
)
def test_the_remedy_names_what_was_probably_meant(text: str, remedy: str) -> None:
    hints = [item.finding.hint for item in _found(text) if item.line]
    assert remedy in hints


@pytest.mark.parametrize(
    ("line", "contradicted"),
    [
        ("work_mem = 4MB  # higher for analysts", True),
        ("work_mem = 2MB  # increased for analysts", True),
        ("work_mem = 64MB  # increased for analysts", False),
        ("work_mem = 64MB  # lower than usual", True),
        ("log_temp_files = 0  # lower", False),
        ("jit = on  # disabled: it costs more than it saves", True),
        ("jit = off  # disabled: it costs more than it saves", False),
        ("ssl = off  # enabled", True),
        ("work_mem = 64MB  # default", True),
        ("work_mem = 4MB  # PostgreSQL's default", False),
        ("shared_buffers = 8GB  # 25% of 48GB RAM", True),
        ("shared_buffers = 12GB  # 25% of 48GB RAM", False),
        ("shared_buffers = 8GB  # a quarter of RAM", False),
        ("max_parallel_workers = 16  # number of CPU cores", True),
        ("max_parallel_workers = 4  # half of the cores", False),
        ("max_parallel_workers_per_gather = 8  # half of the cores", True),
        ("checkpoint_timeout = 15min  # 30min", True),
        ("checkpoint_timeout = 15min  # 900s", False),
        ("checkpoint_timeout = 15min  # 5 GB", False),
        ("# Higher statistics\ndefault_statistics_target = 100", True),
        ("# Higher statistics\ndefault_statistics_target = 100\nwork_mem = 64MB", False),
        ("# work_mem = 64MB  more\nwork_mem = 4MB", False),
    ],
)
def test_a_comment_that_contradicts_its_value_is_found_out(line: str, contradicted: bool) -> None:
    checks = {check for _, check, _ in _problems(SAFE + line, cores=8)}
    assert ("conf.comment" in checks) is contradicted


def test_memory_that_nobody_told_is_not_judged_and_that_is_said() -> None:
    (memory,) = _by_check(_found("max_connections = 5000"))["conf.memory"]
    assert memory.finding.severity == "info"
    assert "was not checked" in memory.finding.what


def test_a_declaration_with_backups_demands_archiving() -> None:
    problems = _problems(SAFE + "archive_mode = off", archiving="the declaration has backups")
    assert problems == [(2, "conf.archive", "archive_mode")]


def test_connections_that_are_logged_may_be_said_to_be() -> None:
    text = "# connections are logged\nlog_connections = yes\nlog_disconnections = 1\n"
    assert _problems(SAFE + text) == []


def test_parameters_of_other_extensions_are_their_own_matter() -> None:
    assert _problems(SAFE + "auto_explain.log_min_duration = 1s") == []


def test_files_that_are_included_are_named_and_not_followed() -> None:
    remarks = _by_check(_found("include_dir = 'conf.d'\n"))
    (found,) = remarks["conf.include"]
    assert (found.line, found.finding.severity) == (1, "info")
    assert "include_dir conf.d was not followed" in found.finding.what


def test_what_only_a_restart_brings_is_listed_once() -> None:
    (found,) = _by_check(_found("work_mem = 8MB\nport = 5433\nmax_connections = 50"))[
        "conf.restart"
    ]
    assert found.finding.what.endswith(": max_connections, port")


def test_a_password_in_the_file_is_not_told() -> None:
    line = "primary_conninfo = 'host=x password=hush user=y'"
    told = repr(_found(f"{line}\n{line}\nprimary_conninfo = host=x password=hush user=y"))
    assert "password=***" in told
    assert "hush" not in told


def test_the_worst_comes_first() -> None:
    order = [item.finding.severity for item in _found(LAB, memory=8 * GB)]
    assert order == sorted(order, key=["critical", "warning", "info"].index)


@pytest.mark.parametrize("name", sorted(RETIRED))
def test_a_retired_parameter_is_in_no_catalogue_of_its_time(name: str) -> None:
    since = float(RETIRED[name].since)
    having = {major for major in MAJORS if name in catalogue(major)}
    assert having == {major for major in MAJORS if major < since}


def _declared() -> dict[str, Any]:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    server: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return server


@given(
    cores=st.integers(1, 128),
    gigabytes=st.integers(1, 1024),
    connections=st.integers(10, 2000),
    kind=st.sampled_from(["oltp", "olap", "mixed", "ingest"]),
    major=st.sampled_from(MAJORS),
)
def test_labdbs_own_file_has_no_problem(
    cores: int, gigabytes: int, connections: int, kind: str, major: int
) -> None:
    given = _declared()
    given["guest"]["cpu"]["cores"] = cores
    given["guest"]["memory"] = f"{gigabytes}GB"
    given["workload"] |= {"kind": kind, "max_connections": connections}
    given["postgresql"]["major"] = major
    server = Server.model_validate(given)
    try:
        parameters = postgresql_parameters(server)
    except DeclarationError:
        return  # refused: there is no file
    lines = [
        f"# {item.reason} ({item.context})\n{write(item.name, item.value)}\n" for item in parameters
    ]
    known = {"memory": server.guest.memory, "cores": cores, "archiving": "the declaration"}
    assert _problems("\n".join(lines), major=major, **known) == []
