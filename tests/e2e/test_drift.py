"""Whatever drifts on a server is noticed and repaired by its role, one thing at a time."""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from tests.e2e.conftest import SERVER, Lab

from labdb.adapters import content

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
EC_KEY = "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
UNITS = "/etc/systemd/system"
PIN = "/etc/apt/preferences.d/labdb-node-exporter.pref"
KEYRING = "/etc/apt/keyrings/labdb-postgresql.asc"
CLUSTER = "/etc/postgresql/16/main"
TLS = f"{CLUSTER}/tls"
REPOSITORY = "/mnt/backup/pgbackrest"
SSH = "/var/lib/postgresql/.ssh"
SQL = "runuser -u postgres -- psql -XAtqc"


@dataclass(frozen=True, slots=True)
class Drift:
    """What a role should notice: *breaks* does it, *whole* succeeds where nothing is broken."""

    role: str
    what: str
    breaks: str
    whole: str


def edited(role: str, path: str) -> Drift:
    return Drift(
        role,
        f"{path} is edited",
        f"echo '# by hand' >> '{path}'",
        f"test -f '{path}' && ! grep -q 'by hand' '{path}'",
    )


def gone(role: str, path: str) -> Drift:
    return Drift(role, f"{path} is gone", f"rm -r '{path}'", f"test -e '{path}'")


def mode(role: str, path: str, wanted: int) -> Drift:
    whole = f"stat -c %a '{path}' | grep -qx {wanted}"
    return Drift(role, f"{path} has another mode", f"chmod 701 '{path}'", whole)


def stopped(role: str, unit: str) -> Drift:
    return Drift(
        role, f"{unit} stands still", f"systemctl stop {unit}", f"systemctl -q is-active {unit}"
    )


def disabled(role: str, unit: str) -> Drift:
    whole = f"systemctl -q is-enabled {unit}"
    return Drift(role, f"{unit} is left out at boot", f"systemctl -q disable {unit}", whole)


def removed(role: str, package: str) -> Drift:
    whole = f"dpkg -s {package} | grep -q 'ok installed'"
    return Drift(role, f"{package} is removed", f"dpkg --remove --force-depends {package}", whole)


DRIFTS = [
    removed("operating_system", "unattended-upgrades"),
    edited("operating_system", "/etc/sysctl.d/60-labdb.conf"),
    gone("operating_system", "/etc/tmpfiles.d/labdb-transparent-hugepages.conf"),
    mode("operating_system", "/etc/security/limits.d/60-labdb.conf", 644),
    gone("operating_system", "/etc/needrestart/conf.d"),
    edited("operating_system", "/etc/apt/apt.conf.d/52labdb-unattended-upgrades"),
    disabled("operating_system", "chrony.service"),
    Drift(
        "operating_system",
        "the clock shows another zone",
        "ln -sfn /usr/share/zoneinfo/Europe/Berlin /etc/localtime",
        "test $(readlink /etc/localtime) = /usr/share/zoneinfo/Etc/UTC",
    ),
    Drift(
        "database_storage",
        "a volume is unmounted",
        "umount --lazy /mnt/backup",
        "mountpoint -q /mnt/backup",
    ),
    edited("database_storage", f"{UNITS}/mnt-backup.mount"),
    disabled("database_storage", "mnt-backup.mount"),
    mode("database_storage", "/mnt/backup", 755),
    removed("postgresql", "postgresql-16-q3c"),
    edited("postgresql", f"{UNITS}/postgresql@.service.d/labdb.conf"),
    gone("postgresql", "/etc/postgresql-common/createcluster.d/labdb.conf"),
    edited("postgresql", KEYRING),
    gone("postgresql", KEYRING),
    edited("postgresql", "/etc/apt/sources.list.d/labdb-postgresql.sources"),
    stopped("postgresql", "postgresql@16-main.service"),
    mode("postgresql_tls", f"{TLS}/server.key", 600),
    mode("postgresql_tls", TLS, 755),
    edited("postgresql_tls", f"{TLS}/ca.crt"),
    gone("postgresql_tls", f"{TLS}/server.crt"),
    Drift(
        "postgresql_tls",
        "the key is another one",
        f"{EC_KEY} -out {TLS}/server.key",
        f'test "$(openssl x509 -noout -pubkey -in {TLS}/server.crt)"'
        f' = "$(openssl pkey -in {TLS}/server.key -pubout)"',
    ),
    Drift(
        "postgresql_tls",
        "the certificate is of another authority",
        f"openssl req -x509 -key {TLS}/server.key -subj /CN=proj-pg01 -out {TLS}/server.crt",
        f"openssl verify -CAfile {TLS}/ca.crt {TLS}/server.crt",
    ),
    edited("postgresql_config", f"{CLUSTER}/pg_hba.conf"),
    gone("postgresql_config", f"{CLUSTER}/conf.d/10-labdb.conf"),
    mode("postgresql_config", f"{CLUSTER}/pg_ident.conf", 640),
    gone("postgresql_config", f"{CLUSTER}/last-good/pg_hba.conf"),
    Drift(
        "postgresql_config",
        "drop-ins are no longer read",
        f"sed -i /include_dir/d {CLUSTER}/postgresql.conf",
        f"grep -q '^include_dir' {CLUSTER}/postgresql.conf",
    ),
    mode("pgbackrest_sftp", SSH, 700),
    mode("pgbackrest_sftp", f"{SSH}/labdb_repository", 600),
    gone("pgbackrest_sftp", f"{SSH}/labdb_known_hosts"),
    edited("pgbackrest", "/etc/pgbackrest.conf"),
    mode("pgbackrest", "/etc/pgbackrest.conf", 640),
    mode("pgbackrest", REPOSITORY, 750),
    gone("pgbackrest", "/run/pgbackrest"),
    gone("pgbackrest", "/etc/tmpfiles.d/labdb-pgbackrest.conf"),
    edited("pgbackrest", f"{UNITS}/pgbackrest-full.service"),
    edited("pgbackrest", f"{UNITS}/pgbackrest-differential.timer"),
    stopped("pgbackrest", "pgbackrest-full.timer"),
    disabled("pgbackrest", "pgbackrest-differential.timer"),
    stopped("pgbackrest", "pgbackrest-full-repo2.timer"),
    gone("pgbackrest", f"{UNITS}/pgbackrest-differential-repo2.service"),
    Drift(
        "pgbackrest",
        "stanza and backups are lost",
        f"rm -r {REPOSITORY}/archive/{SERVER} {REPOSITORY}/backup/{SERVER}",
        f"runuser -u postgres -- pgbackrest --stanza={SERVER} --repo=1 info | grep 'full backup'",
    ),
    edited("sky_functions", "/usr/share/postgresql/16/extension/labdb.control"),
    Drift(
        "postgresql_access",
        "an analyst is a superuser",
        f"{SQL} 'alter role desi_analyst superuser'",
        f"{SQL} \"select rolsuper from pg_roles where rolname = 'desi_analyst'\" | grep -qx f",
    ),
    removed("node_exporter", "prometheus-node-exporter"),
    edited("node_exporter", f"{UNITS}/prometheus-node-exporter.service"),
    gone("node_exporter", "/var/lib/prometheus/node-exporter"),
    Drift("node_exporter", "a version is pinned by hand", f"touch {PIN}", f"test ! -e {PIN}"),
    stopped("postgres_exporter", "prometheus-postgres-exporter.service"),
    Drift(
        "postgres_exporter",
        "its user may log in",
        "usermod --shell /bin/sh postgres_exporter",
        "getent passwd postgres_exporter | grep -q nologin",
    ),
    disabled("pgbackrest_exporter", "prometheus-pgbackrest-exporter.service"),
    edited("restore_drill", f"{UNITS}/labdb-drill.service"),
    edited("restore_drill", "/usr/local/lib/labdb.pyz"),
    gone("restore_drill", "/etc/labdb/drill.json"),
    mode("restore_drill", "/mnt/backup/fingerprints", 700),
    stopped("restore_drill", "labdb-drill.timer"),
    disabled("restore_drill", "labdb-drill.timer"),
    Drift(
        "host_firewall",
        "the filter is flushed",
        "nft delete table inet labdb",
        "nft list table inet labdb",
    ),
    edited("host_firewall", "/etc/labdb-firewall.nft"),
    disabled("host_firewall", "labdb-firewall.service"),
]


def _play(lab: Lab, playbook: Path, **variables: object) -> str:
    """Return what the playbook said; it must end well."""
    ours = {name: value for name, value in content.ansible_environment().items() if value}
    key = {"ANSIBLE_VAULT_PASSWORD_FILE": str(lab.state / "lab" / "vault-key")}
    done = subprocess.run(
        ["ansible-playbook", "-i", lab.inventory, "--limit", SERVER,
         "-e", json.dumps(variables), playbook],
        check=False, capture_output=True, text=True, env=lab.environment | ours | key, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.long
def test_each_role_repairs_what_drifted(provisioned: Lab) -> None:
    first = {drift.role: drift for drift in reversed(DRIFTS)}
    drifts = [asdict(drift) for drift in first.values()]
    _play(provisioned, HERE / "drift" / "play.yml", drifts=drifts)


@pytest.mark.long
def test_whatever_drifted_is_repaired(provisioned: Lab) -> None:
    drifts = [asdict(drift) for drift in DRIFTS]
    _play(provisioned, HERE / "drift" / "play.yml", drifts=drifts)


@pytest.mark.parametrize("drift", ["rm", "chmod 600", "truncate --size=0"])
def test_what_prometheus_reads_is_put_back(provisioned: Lab, drift: str) -> None:
    snippet = provisioned.state / "lab" / "prometheus" / f"labdb-{SERVER}-node-exporter.yml"
    before = snippet.read_text(encoding="utf-8")
    subprocess.run([*drift.split(), snippet], check=True)
    _play(provisioned, content.playbook("targets"))
    assert snippet.read_text(encoding="utf-8") == before
    assert snippet.stat().st_mode & 0o777 == 0o644


def test_a_repaired_server_is_only_looked_at(provisioned: Lab) -> None:
    said = _play(provisioned, content.playbook("server"))
    assert "changed=0" in said
    assert "included:" not in said
    provisioned.on_server("verify")
