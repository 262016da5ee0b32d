"""What is measured, as shell scripts: a backup each way, and the way back of each.

Each script is run by postgres in the guest, with nothing of the disks in memory. ``ready`` starts a
server in a scratch directory and waits until it can be written to.
"""

PROGRAMS = "/usr/lib/postgresql/16/bin"
STANZA = "proj-pg01"
PLACE = "/mnt/backup/bench"
"""Where the others write: the disk that pgBackRest's repository is on."""
SCRATCH = "/mnt/data/bench/scratch"
"""Where everything is restored: the disk of the running server."""
DATABASE = "desi_bench"
PORT = 5999
JOBS = 2
"""Processes that compress and copy, as backup.processes declares for pgBackRest."""

OPTIONS = (
    f"-p {PORT} -c listen_addresses= -c unix_socket_directories=/run/postgresql -c archive_mode=off"
    f" -c config_file={SCRATCH}/server.conf -c hba_file={SCRATCH}/hba.conf -c ident_file=/dev/null"
    " -c max_connections=200 -c max_worker_processes=64 -c max_wal_senders=10"
    " -c max_locks_per_transaction=256 -c max_prepared_transactions=64 -c shared_buffers=512MB"
)
PREPARE = (
    f"rm -rf {SCRATCH} && mkdir -m 0700 {SCRATCH} {SCRATCH}/spool {SCRATCH}/lock"
    f" && : > {SCRATCH}/server.conf && echo local all all trust > {SCRATCH}/hba.conf"
)
READY = (
    f'{PROGRAMS}/pg_ctl -D {SCRATCH}/data -w -t 3600 -l {SCRATCH}/log -o "{OPTIONS}" start'
    f' && until [ "$(psql -XAtq -p {PORT} -d postgres -c "SELECT pg_is_in_recovery()")" = f ];'
    " do sleep 0.1; done"
)
STOP = f"{PROGRAMS}/pg_ctl -D {SCRATCH}/data -m immediate stop; rm -rf {SCRATCH}"
APART = f"--pg1-path={SCRATCH}/data --spool-path={SCRATCH}/spool --lock-path={SCRATCH}/lock"


def backrest(command: str, *, repository: int = 1, more: str = "") -> str:
    """Return a command of pgBackRest as it is configured."""
    return f"pgbackrest --stanza={STANZA} --repo={repository} {more} {command}"


BACKUPS = {
    "pgbackrest full": backrest("backup", more="--type=full"),
    "pg_basebackup": (f"rm -rf {PLACE}/plain && pg_basebackup -D {PLACE}/plain -X stream -c fast"),
    "pg_basebackup zstd": (
        f"rm -rf {PLACE}/zstd && pg_basebackup -D {PLACE}/zstd -Ft --compress=server-zstd:3"
        " -X stream -c fast"
    ),
    "pg_dump": f"rm -rf {PLACE}/dump && pg_dump -Fd -j {JOBS} -Z zstd -f {PLACE}/dump {DATABASE}",
    "pgbackrest full, repository 2": backrest("backup", repository=2, more="--type=full"),
}
"""Everything is copied, each time anew."""

VARIANTS = {
    f"full: {name}": backrest("backup", more=f"--type=full {option}")
    for name, option in {
        "no pages checked": "--no-checksum-page",
        "whole files": "--no-repo1-block",
        "level 1": "--compress-level=1",
        "not compressed": "--compress-type=none",
        "one process": "--process-max=1",
    }.items()
}
"""A full set again, with one thing changed: what that thing takes."""
SIZES = {
    "pg_basebackup": f"{PLACE}/plain",
    "pg_basebackup zstd": f"{PLACE}/zstd",
    "pg_dump": f"{PLACE}/dump",
}

RESTORES = {
    "pgbackrest": (
        f"mkdir -m 0700 {SCRATCH}/data && "
        + backrest("restore", more=f"{APART} --type=immediate --target-action=promote")
        + f" && {READY}"
    ),
    "copy back": f"cp -a {PLACE}/plain {SCRATCH}/data && {READY}",
    "pg_restore": (
        f"createdb restored && pg_restore -j {JOBS} -d restored {PLACE}/dump"
        " && vacuumdb -q -Z -j 2 restored"
    ),
}
"""From a backup to a server that takes writes; pg_restore's is the running one."""


def pitr(moment: str) -> str:
    """Return the restore to a moment after the full set, with the WAL up to it."""
    target = f'--type=time "--target={moment}" --target-action=promote'
    restored = backrest("restore", more=f"{APART} {target}")
    return f"mkdir -m 0700 {SCRATCH}/data && {restored} && {READY}"
