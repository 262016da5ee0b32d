"""A parameter that is not as declared is found wherever it went astray, and nowhere else."""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.drift import RunningParameter
from labdb.domain.parameter_drift import (
    DROP_IN,
    Parameters,
    file_findings,
    parameter_differences,
)
from labdb.domain.variables import PlannedParameter
from labdb.facts import FileSetting
from labdb.report import Difference, Effect

FOLDER = "/etc/postgresql/16/main"
OWN = f"{FOLDER}/{DROP_IN}"
MAIN = f"{FOLDER}/postgresql.conf"
LATER = f"{FOLDER}/conf.d/20-mine.conf"
AUTO = "/mnt/data/pg01/postgresql.auto.conf"
WANTED = (
    PlannedParameter("work_mem", "4MB", "", "user"),
    PlannedParameter("shared_buffers", "2GB", "", "postmaster"),
    PlannedParameter("TimeZone", "UTC", "", "user"),
)
LAYOUT = (PlannedParameter("hba_file", f"{FOLDER}/pg_hba.conf", "", "postmaster"),)


def _row(name: str, setting: str, **more: Any) -> RunningParameter:
    known = {
        "work_mem": ("kB", "integer", "user", "4096"),
        "shared_buffers": ("8kB", "integer", "postmaster", "16384"),
        "enable_seqscan": (None, "bool", "user", "on"),
    }
    unit, kind, context, boot = known.get(name, (None, "string", "sighup", ""))
    given = {"shown": setting, "source": "configuration file", "boot": boot} | more
    return RunningParameter(name, setting, unit, kind, context, **given)


@dataclass
class Server:
    """A server as declared, in which somebody may change things."""

    running: dict[str, RunningParameter] = field(
        default_factory=lambda: {
            "work_mem": _row("work_mem", "4096"),
            "shared_buffers": _row("shared_buffers", "262144"),
            "TimeZone": _row("TimeZone", "UTC"),
            "hba_file": _row("hba_file", f"{FOLDER}/pg_hba.conf", source="override"),
            "enable_seqscan": _row("enable_seqscan", "on", source="default"),
        }
    )
    files: list[FileSetting] = field(
        default_factory=lambda: [
            FileSetting(MAIN, 44, "hba_file", f"{FOLDER}/pg_hba.conf"),
            FileSetting(MAIN, 130, "shared_buffers", "128MB"),
            FileSetting(MAIN, 612, "cluster_name", "16/main"),
            FileSetting(MAIN, 720, "timezone", "Etc/UTC"),
            FileSetting(OWN, 4, "work_mem", "4MB"),
            FileSetting(OWN, 7, "shared_buffers", "2GB"),
            FileSetting(OWN, 10, "TimeZone", "UTC"),
        ]
    )

    def write(self, file: str, line: int, name: str, value: str) -> None:
        self.files.append(FileSetting(file, line, name, value))

    def edit(self, line: int, **change: Any) -> None:
        self.files = [
            replace(item, **change) if (item.file, item.line) == (OWN, line) else item
            for item in self.files
        ]

    @property
    def seen(self) -> Parameters:
        return Parameters(WANTED, LAYOUT, OWN, tuple(self.running.values()), tuple(self.files))

    def differences(self) -> tuple[Difference, ...]:
        return parameter_differences(self.seen)


def _only(server: Server) -> Difference:
    (row,) = server.differences()
    return row


def test_a_server_as_declared_has_no_difference() -> None:
    assert Server().differences() == ()
    assert Server().seen.leftovers == ()
    assert Server().seen.elsewhere == ()


def test_a_value_of_alter_system_is_named_with_all_three_values() -> None:
    server = Server()
    server.write(AUTO, 3, "work_mem", "64MB")
    server.running["work_mem"] = _row("work_mem", "65536", shown="64MB")
    row = _only(server)
    assert (row.declared, row.file, row.running) == ("4MB", "64MB", "64MB")
    assert (row.effect, row.reason) == (Effect.RELOAD, "ALTER SYSTEM")
    assert server.seen.leftovers == ("work_mem",)


def test_alter_system_to_the_declared_value_is_a_leftover_all_the_same() -> None:
    server = Server()
    server.write(AUTO, 3, "work_mem", "4096kB")
    assert _only(server).reason == "ALTER SYSTEM"


def test_alter_system_of_a_parameter_that_is_not_declared_is_named() -> None:
    server = Server()
    server.write(AUTO, 3, "enable_seqscan", "off")
    server.running["enable_seqscan"] = _row("enable_seqscan", "off")
    row = _only(server)
    assert (row.declared, row.file, row.running) == (None, "off", "off")
    assert row.reason == "ALTER SYSTEM; not declared"


def test_an_edited_file_that_nobody_loaded_is_named_with_its_line() -> None:
    server = Server()
    server.edit(4, value="1GB")
    row = _only(server)
    assert (row.declared, row.file, row.running) == ("4MB", "1GB", "4096")
    assert row.reason == "conf.d/10-labdb.conf line 4"


def test_a_line_that_was_taken_out_is_missed() -> None:
    server = Server()
    server.files = [item for item in server.files if (item.file, item.line) != (OWN, 4)]
    assert (_only(server).file, _only(server).reason) == (None, "no file sets it")


def test_a_line_that_was_added_to_labdbs_own_file_is_not_declared() -> None:
    server = Server()
    server.write(OWN, 12, "enable_seqscan", "off")
    assert _only(server).reason == "conf.d/10-labdb.conf line 12; not declared"


def test_a_later_file_wins_and_is_named() -> None:
    server = Server()
    server.write(LATER, 1, "Work_Mem", "1GB")
    row = _only(server)
    assert (row.field, row.file, row.reason) == ("work_mem", "1GB", "conf.d/20-mine.conf line 1")
    assert [item.file for item in server.seen.elsewhere] == [LATER]


def test_behind_a_value_of_alter_system_the_later_file_is_not_forgotten() -> None:
    server = Server()
    server.write(LATER, 1, "work_mem", "1GB")
    server.write(AUTO, 3, "work_mem", "64MB")
    assert server.seen.leftovers == ("work_mem",)
    assert [item.file for item in server.seen.elsewhere] == [LATER]


def test_what_is_odd_in_postgresql_conf_is_named_and_what_is_stock_is_not() -> None:
    server = Server()
    server.files[:0] = [
        FileSetting(MAIN, 400, "enable_seqscan", "off"),
        FileSetting(MAIN, 736, "lc_messages", "de_DE.UTF-8"),
    ]
    server.running["enable_seqscan"] = _row("enable_seqscan", "off")
    assert _only(server).field == "enable_seqscan"
    server.files[0] = replace(server.files[0], value="true")
    server.running["enable_seqscan"] = _row("enable_seqscan", "on")
    assert server.differences() == ()


def test_a_value_that_waits_for_a_restart_says_so() -> None:
    server = Server()
    server.running["shared_buffers"] = _row(
        "shared_buffers", "16384", shown="128MB", pending_restart=True
    )
    row = _only(server)
    assert (row.running, row.effect) == ("128MB", Effect.RESTART)
    assert row.reason == "waits for a restart"


def test_a_value_from_the_command_line_says_so() -> None:
    server = Server()
    server.running["work_mem"] = _row("work_mem", "8192", source="command line")
    assert _only(server).reason == "given on the command line"


def test_a_value_of_the_asking_session_alone_is_no_difference() -> None:
    server = Server()
    server.running["work_mem"] = _row("work_mem", "8192", source="user")
    assert server.differences() == ()


def test_what_still_runs_although_its_line_is_gone_is_named() -> None:
    server = Server()
    server.running["enable_seqscan"] = _row("enable_seqscan", "off")
    row = _only(server)
    assert (row.file, row.running, row.reason) == (
        None,
        "off",
        "no file sets it any more; waits for a reload",
    )


def test_a_drop_in_that_is_not_read_is_one_row_and_not_one_for_each_parameter() -> None:
    server = Server()
    server.files = [item for item in server.files if item.file != OWN]
    row = _only(server)
    assert (row.subject, row.field, row.file) == ("file", DROP_IN, "not read")


def test_a_moved_client_authentication_file_is_named_and_never_set_aside() -> None:
    server = Server()
    server.files[0] = replace(server.files[0], value="/tmp/open.conf")
    assert _only(server).field == "hba_file"
    assert server.seen.elsewhere == ()


def test_a_password_in_a_value_is_not_shown() -> None:
    server = Server()
    value = "host=10.1.2.3 user=standby password=geheim sslmode=require"
    server.write(AUTO, 3, "primary_conninfo", value)
    server.running["primary_conninfo"] = _row("primary_conninfo", value)
    text = repr(server.differences())
    assert "geheim" not in text
    assert "password=***" in text


def test_what_the_server_cannot_read_is_critical() -> None:
    files = [
        FileSetting(OWN, 3, None, None, "syntax error"),
        FileSetting(OWN, 4, "shared_buffers", "1GB", "setting could not be applied"),
        FileSetting(LATER, 1, "wrok_mem", "1", "unrecognized configuration parameter"),
    ]
    found = file_findings(files)
    assert [item.severity for item in found] == ["critical", "critical"]
    assert "20-mine.conf line 1: wrok_mem: unrecognized" in found[1].what


@given(st.permutations([OWN, LATER]), st.booleans(), st.integers(1, 4))
def test_a_value_that_wins_over_labdbs_own_file_is_never_hidden(
    order: list[str], by_alter_system: bool, megabytes: int
) -> None:
    server = Server()
    for line, file in enumerate([*order, *([AUTO] if by_alter_system else [])], start=100):
        server.write(file, line, "work_mem", "4MB" if file == OWN else f"{megabytes}MB")
    winner = server.files[-1]
    rows = {row.field: row for row in server.differences()}
    if winner.file == OWN:
        assert rows == {}
    else:
        assert rows["work_mem"].file == f"{megabytes}MB"
