"""What vzdump keeps: all disks of a running server as they were at one moment."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from labdb.lab.engine import engine

SCRATCH = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
DISKS = {"labdbpgdata": "/mnt/data", "labdbbackup": "/mnt/backup"}
AS_POSTGRES = "runuser -u postgres --"
CLUSTER = "postgresql@16-main"
ACKNOWLEDGED = "/tmp/acknowledged"


def on_host(*command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def sql(host, query):
    return host.check_output(f"{AS_POSTGRES} psql -XAtq -c %s", query)


def acknowledged(host):
    """The number of the last row of which a client was told that it is stored."""
    told = host.check_output(f"cat {ACKNOWLEDGED}").splitlines()
    return int(told[-1]) if told else 0


def grows_to(host, number):
    end = time.monotonic() + 60
    while acknowledged(host) < number and time.monotonic() < end:
        time.sleep(0.2)
    return acknowledged(host) >= number


@pytest.fixture
def writer(host):
    """A client that writes a row after the other, and notes those that were acknowledged."""
    sql(host, "create table written (id bigserial primary key, words text)")
    write = "insert into written (words) values (md5(random()::text)) returning id;"
    host.check_output("yes %s | head --lines=1000000 > /tmp/writes.sql", write)
    client = f"stdbuf --output=L psql -XAtq -f /tmp/writes.sql > {ACKNOWLEDGED}"
    unit = "systemd-run --quiet --unit=writer --uid=postgres --property=StandardError=null"
    host.check_output(f"install -o postgres /dev/null {ACKNOWLEDGED}")
    host.check_output(f"{unit} sh -c %s", client)
    yield
    host.run("systemctl stop writer; systemctl reset-failed writer")


@pytest.mark.long
@pytest.mark.usefixtures("writer")
def test_a_snapshot_of_a_running_server_starts_with_all_that_was_acknowledged(host):
    assert grows_to(host, 500)
    for mount in DISKS.values():
        host.check_output(f"fsfreeze --freeze {mount}")
    try:
        before = acknowledged(host)
        for serial in DISKS:
            disk = SCRATCH / f"{serial}.disk"
            on_host("cp", "--sparse=always", str(disk), str(disk.with_suffix(".copy")))
    finally:
        for mount in DISKS.values():
            host.check_output(f"fsfreeze --unfreeze {mount}")
    # The server has written on: what is looked at below is the copy.
    assert grows_to(host, before + 500)
    host.check_output("systemctl stop writer")
    after = int(sql(host, "select max(id) from written"))

    guest = engine().containers.get(host.backend.name)
    guest.kill()
    for serial in DISKS:
        put_back(SCRATCH / f"{serial}.disk")
    guest.start()
    host.check_output(
        f"until systemctl --quiet is-active {CLUSTER} 2>/dev/null; do sleep 0.5; done"
    )

    there = int(sql(host, "select max(id) from written"))
    assert before <= there < after
    assert sql(host, "select count(*) = max(id) from written") == "t"
    everything = "--all --install-missing --heapallindexed"
    assert (
        host.check_output(f"{AS_POSTGRES} /usr/lib/postgresql/16/bin/pg_amcheck {everything}") == ""
    )
    # Archive and data are of the same moment: archiving goes on.
    host.check_output(f"{AS_POSTGRES} pgbackrest --stanza=proj-pg01 check")
    sql(host, "drop table written")


def put_back(disk):
    """Put the copy of *disk* in its place, behind the same loop device."""
    device = on_host("losetup", "--noheadings", "--output", "NAME", "--associated", str(disk))
    on_host("losetup", "--detach", device)
    disk.unlink()
    disk.with_suffix(".copy").rename(disk)
    on_host("losetup", device, str(disk))
