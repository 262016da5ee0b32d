"""The scratch instance: restored into a folder of its own, reached through a socket in it."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labdb.domain.recovery.choice import Choice
from labdb.drill.process import ask, complaints, run
from labdb.drill.settings import Settings
from labdb.errors import RunError

POLL_SECONDS = 0.5
QUIET = {
    # Nothing goes out: no TCP, no WAL, no replication, no job of a library that the backup names.
    "listen_addresses": "",
    "archive_mode": "off",
    "primary_conninfo": "",
    # Queries are answered while recovery is paused, whatever the server itself wanted.
    "hot_standby": "on",
    "max_logical_replication_workers": "0",
    "shared_preload_libraries": "",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "ident_file": "/dev/null",
    "cluster_name": "labdb-drill",
    "ssl": "off",
    # Small beside the running cluster, whose memory it shares.
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "autovacuum": "off",
    "jit": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
}
"""On the command line, where neither the files of the backup nor ALTER SYSTEM win over it."""
STANDBY = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}
"""What has to be as large as on the server that wrote the WAL, so that queries can be answered
during recovery (PostgreSQL 16, section 27.4.3), and what pg_controldata calls it."""
PAUSED = "SELECT to_json(pg_get_wal_replay_pause_state() = 'paused')"
OPEN = "SELECT to_json(NOT pg_is_in_recovery())"


class Instance:
    """What is restored from one set, in the settings' folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.directory
        self.data = self.folder / "data"
        self.log = self.folder / "postgresql.log"
        self.server: subprocess.Popen[bytes] | None = None
        self.where = (f"--host={self.folder / 'socket'}", "--port=5432")

    def clear(self) -> None:
        """Empty the folder."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def restore(self, chosen: Choice) -> None:
        """Restore the files of the set *chosen*.

        Raises:
            RunError: pgBackRest did not, in its own words.
        """
        self._prepare()
        run(
            "pgbackrest",
            f"--stanza={self.settings.stanza}",
            f"--repo={chosen.set.repository}",
            f"--set={chosen.set.label}",
            f"--pg1-path={self.data}",
            f"--tablespace-map-all={self.folder / 'tablespaces'}",
            # With those of the running cluster its archiving would wait for this one.
            f"--spool-path={self.folder / 'spool'}",
            f"--lock-path={self.folder / 'lock'}",
            "--archive-mode=off",
            "--type=default",
            "--log-level-file=off",
            "restore",
        )

    def create(self) -> None:
        """Make an empty cluster, into which a logical export is restored.

        Raises:
            RunError: initdb did not, in its own words.
        """
        self._prepare()
        options = ("--no-sync", "--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8")
        run(str(self.settings.programs / "initdb"), "-D", str(self.data), *options)

    def _prepare(self) -> None:
        for name in ("data", "tablespaces", "spool", "lock", "socket"):
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "postgresql.conf").touch()
        (self.folder / "pg_hba.conf").write_text("local all postgres peer\n", encoding="utf-8")

    def start(self, target: Mapping[str, str]) -> None:
        """Start the server, with the *target* of recovery as parameters."""
        told = run(str(self.settings.programs / "pg_controldata"), "-D", str(self.data))
        known = {name: _told(told, title) for name, title in STANDBY.items()}
        parameters = {
            "config_file": str(self.folder / "postgresql.conf"),
            "hba_file": str(self.folder / "pg_hba.conf"),
            "unix_socket_directories": str(self.folder / "socket"),
            "port": "5432",
            **QUIET,
            **known,
            **target,
        }
        options = [item for pair in parameters.items() for item in ("-c", "=".join(pair))]
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [str(self.settings.programs / "postgres"), "-D", str(self.data), *options],
                stdout=log,
                stderr=log,
            )

    def wait(self, condition: str) -> None:
        """Wait until the query *condition* answers true.

        Raises:
            RunError: the server ended before, for the reasons in its log.
        """
        while self.server is not None and self.server.poll() is None:
            try:
                if self.ask(condition):
                    return
            except RunError:
                pass  # it does not take connections yet
            time.sleep(POLL_SECONDS)
        said = complaints(self.log.read_text(encoding="utf-8", errors="replace"))
        raise RunError(
            "the restored instance did not come up",
            why=said,
            hint="drill an older set with --set; a gap in the WAL is named beside this",
        )

    def ask(self, sql: str, database: str = "postgres") -> Any:
        """Return the JSON that *sql* answers with."""
        return ask(self.where, sql, database)

    def stop(self) -> None:
        """Stop the server in order: checksums are read of files that nobody writes."""
        if self.server is None or self.server.poll() is not None:
            return
        run(
            str(self.settings.programs / "pg_ctl"), "stop", "-D", str(self.data), "-m", "fast", "-w"
        )
        self.server.wait()

    def kill(self) -> None:
        """Stop the server at once, whatever it does: nobody needs its files any more."""
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait()

    def size(self) -> int:
        """Return the bytes of the restored files."""
        return sum(path.stat().st_size for path in self.data.rglob("*") if path.is_file())


def _told(controldata: str, title: str) -> str:
    found = re.search(rf"^{re.escape(title)}: *(\S+)$", controldata, re.MULTILINE)
    if found is None:
        raise RunError(
            "pg_controldata is not understood",
            why=f"it does not tell {title!r}",
            hint="labdb provision brings the program for the declared version",
        )
    return found[1]


def folder_is_free(folder: Path) -> bool:
    """Tell whether there is nothing in *folder*, or only what a drill left there."""
    names = {"data", "tablespaces", "spool", "lock", "socket", "postgresql.conf", "pg_hba.conf"}
    return {path.name for path in folder.iterdir()} <= names | {"postgresql.log"}
