#!/bin/bash
# Baseline, part two: the server, by a plain script run once as root in the guest. What an
# experienced administrator would write down: the same packages, the same steps, no second run.
# In: NAME FQDN ADDRESS MIRROR PASSWORD CIPHER CLIENTS OPERATORS PROMETHEUS
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
data=/mnt/data backup=/mnt/backup pgdata=/mnt/data/pg01

# Disks
for volume in "benchdata:$data" "benchbackup:$backup"; do
    device=$(ls /dev/disk/by-id/*"${volume%%:*}")
    mount=${volume#*:}
    mkfs.xfs -q "$device"
    unit=$(systemd-escape --path --suffix=mount "$mount")
    cat > "/etc/systemd/system/$unit" << UNIT
[Mount]
What=$device
Where=$mount
Type=xfs
Options=noatime
[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl -q enable --now "$unit"
done

# Operating system
printf 'vm.swappiness = 1\nvm.overcommit_memory = 2\nvm.dirty_background_bytes = 67108864\n' \
    > /etc/sysctl.d/60-bench.conf
sysctl -q -e -p /etc/sysctl.d/60-bench.conf 2> /dev/null || true

# Packages
install -d /etc/apt/keyrings
curl -fsS "$MIRROR/ACCC4CF8.asc" -o /etc/apt/keyrings/pgdg.asc
cat > /etc/apt/sources.list.d/pgdg.sources << SOURCE
Types: deb
URIs: $MIRROR
Suites: $(. /etc/os-release && echo "$VERSION_CODENAME")-pgdg
Components: main
Signed-By: /etc/apt/keyrings/pgdg.asc
SOURCE
apt-get -qq update
apt-get -qq -y --no-install-recommends install postgresql-common chrony unattended-upgrades > /dev/null
sed -i 's/^#\? *create_main_cluster.*/create_main_cluster = false/' \
    /etc/postgresql-common/createcluster.conf
apt-get -qq -y --no-install-recommends install postgresql-16 postgresql-16-q3c \
    postgresql-16-pgvector postgresql-16-pgsphere pgbackrest prometheus-node-exporter \
    prometheus-postgres-exporter prometheus-pgbackrest-exporter > /dev/null

# Cluster
install -d -o postgres -g postgres -m 700 "$pgdata"
install -d -o postgres -g postgres -m 750 "$backup/pgbackrest"
pg_createcluster 16 main -d "$pgdata" --locale en_US.UTF-8 -- --data-checksums > /dev/null
conf=/etc/postgresql/16/main

# TLS
install -d -o postgres -g postgres "$conf/tls"
work=$(mktemp -d)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=bench-ca \
    -keyout "$work/ca.key" -out "$conf/tls/ca.crt" 2> /dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$FQDN" \
    -addext "subjectAltName=DNS:$FQDN,DNS:$NAME,IP:$ADDRESS" \
    -keyout "$conf/tls/server.key" -out "$work/server.csr" 2> /dev/null
openssl x509 -req -in "$work/server.csr" -CA "$conf/tls/ca.crt" -CAkey "$work/ca.key" -days 397 \
    -copy_extensions copy -out "$conf/tls/server.crt" 2> /dev/null
rm -r "$work"
chown postgres: "$conf"/tls/*
chmod 600 "$conf/tls/server.key"

# Configuration
install -d /etc/systemd/system/postgresql@16-main.service.d
cat > /etc/systemd/system/postgresql@16-main.service.d/bench.conf << UNIT
[Unit]
RequiresMountsFor=$data $backup
[Service]
OOMScoreAdjust=-900
UNIT
cat > "$conf/conf.d/10-bench.conf" << CONF
listen_addresses = '$ADDRESS, localhost'
max_connections = 200
shared_buffers = 2GB
effective_cache_size = 5GB
work_mem = 8MB
maintenance_work_mem = 512MB
max_worker_processes = 12
max_parallel_workers = 8
max_parallel_workers_per_gather = 4
wal_level = replica
wal_compression = zstd
max_wal_size = 16GB
min_wal_size = 2GB
checkpoint_timeout = 15min
archive_mode = on
archive_command = 'pgbackrest --stanza=$NAME archive-push %p'
archive_timeout = 300
random_page_cost = 1.1
effective_io_concurrency = 200
shared_preload_libraries = 'pg_stat_statements'
track_io_timing = on
password_encryption = scram-sha-256
ssl = on
ssl_ca_file = '$conf/tls/ca.crt'
ssl_cert_file = '$conf/tls/server.crt'
ssl_key_file = '$conf/tls/server.key'
timezone = 'UTC'
jit = off
CONF
{
    echo 'local all postgres peer'
    echo 'local all postgres_exporter peer map=exporter'
    for network in $CLIENTS; do echo "hostssl all all $network scram-sha-256"; done
    echo 'host all all all reject'
} > "$conf/pg_hba.conf"
echo 'exporter prometheus postgres_exporter' > "$conf/pg_ident.conf"

# Backups
install -d -o postgres -g postgres "$data/spool"
cat > /etc/pgbackrest.conf << CONF
[global]
repo1-path=$backup/pgbackrest
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=$CIPHER
repo1-retention-full=30
repo1-retention-full-type=time
repo1-bundle=y
repo1-block=y
compress-type=zst
start-fast=y
process-max=2
archive-async=y
spool-path=$data/spool
[$NAME]
pg1-path=$pgdata
CONF
chown root:postgres /etc/pgbackrest.conf
chmod 640 /etc/pgbackrest.conf
systemctl daemon-reload
systemctl -q enable --now postgresql@16-main
runuser -u postgres -- pgbackrest --stanza="$NAME" --log-level-console=warn stanza-create
for kind in full:'Sun *-*-* 02:00:00' diff:'Mon..Sat *-*-* 02:00:00'; do
    cat > "/etc/systemd/system/pgbackrest-${kind%%:*}.service" << UNIT
[Service]
Type=oneshot
User=postgres
ExecStart=pgbackrest --stanza=$NAME --type=${kind%%:*} backup
UNIT
    cat > "/etc/systemd/system/pgbackrest-${kind%%:*}.timer" << UNIT
[Timer]
OnCalendar=${kind#*:}
Persistent=true
[Install]
WantedBy=timers.target
UNIT
done
systemctl daemon-reload
systemctl -q enable --now pgbackrest-full.timer pgbackrest-diff.timer
runuser -u postgres -- pgbackrest --stanza="$NAME" --type=full --log-level-console=warn backup
runuser -u postgres -- pgbackrest --stanza="$NAME" --log-level-console=warn check

# Roles, databases, extensions
psql() { runuser -u postgres -- /usr/bin/psql -X -q -v ON_ERROR_STOP=1 "$@"; }
psql << SQL
CREATE ROLE labdb_reader; CREATE ROLE labdb_writer;
CREATE ROLE clusteradmin_pg01 LOGIN SUPERUSER PASSWORD '$PASSWORD';
CREATE ROLE desi_dev LOGIN PASSWORD '$PASSWORD';
CREATE ROLE desi_loader LOGIN PASSWORD '$PASSWORD' IN ROLE labdb_writer;
CREATE ROLE desi_analyst LOGIN PASSWORD '$PASSWORD' IN ROLE labdb_reader;
CREATE ROLE postgres_exporter LOGIN CONNECTION LIMIT 5 IN ROLE pg_monitor;
ALTER ROLE desi_analyst SET work_mem = '64MB';
CREATE DATABASE template_desi;
SQL
psql -d template_desi << SQL
CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_trgm; CREATE EXTENSION cube;
CREATE EXTENSION q3c; CREATE EXTENSION vector; CREATE EXTENSION pg_sphere;
CREATE SCHEMA raw_catalogs; CREATE SCHEMA science_analysis; CREATE SCHEMA data_quality;
GRANT USAGE ON SCHEMA raw_catalogs, science_analysis, data_quality TO labdb_reader, labdb_writer;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
for database in desi_void_desivast desi_void_fastspecfit; do
    psql -c "CREATE DATABASE $database TEMPLATE template_desi OWNER desi_dev"
    psql -c "REVOKE CONNECT, TEMPORARY ON DATABASE $database FROM PUBLIC"
    psql -c "GRANT CONNECT ON DATABASE $database TO labdb_reader, labdb_writer"
    psql -d "$database" -c "ALTER DEFAULT PRIVILEGES FOR ROLE desi_dev, desi_loader
        GRANT SELECT ON TABLES TO labdb_reader"
done

# Exporters
echo "ARGS=\"--web.listen-address=$ADDRESS:9100\"" > /etc/default/prometheus-node-exporter
cat > /etc/default/prometheus-postgres-exporter << CONF
DATA_SOURCE_NAME="host=/run/postgresql user=postgres_exporter dbname=postgres"
ARGS="--web.listen-address=$ADDRESS:9187"
CONF
echo "ARGS=\"--web.listen-address=$ADDRESS:9854\"" > /etc/default/prometheus-pgbackrest-exporter
systemctl -q enable prometheus-{node,postgres,pgbackrest}-exporter
systemctl restart prometheus-{node,postgres,pgbackrest}-exporter

# Firewall
{
    echo '#!/usr/sbin/nft -f'
    echo 'table inet bench'
    echo 'delete table inet bench'
    echo 'table inet bench {'
    echo '  chain input { type filter hook input priority 0; policy drop;'
    echo '    ct state established,related accept; iif lo accept; meta l4proto icmp accept'
    for network in $OPERATORS; do echo "    ip saddr $network tcp dport 22 accept"; done
    for network in $CLIENTS; do echo "    ip saddr $network tcp dport 5432 accept"; done
    echo "    ip saddr $PROMETHEUS tcp dport { 9100, 9187, 9854 } accept"
    echo '  }'
    echo '}'
} > /etc/nftables.conf
nft -c -f /etc/nftables.conf
systemctl -q enable nftables
nft -f /etc/nftables.conf

# It answers
says() { curl -fsS "http://$ADDRESS:$1/metrics" 2> /dev/null | grep "$2" > /dev/null; }
for _ in $(seq 40); do
    says 9187 '^pg_up 1' && up=1 && break
    sleep 0.5
done
[[ ${up:-} ]]
says 9854 '^pgbackrest_backup_info'
says 9100 '^node_load1'
psql -d desi_void_desivast -At -c 'SELECT q3c_radial_query(10, 10, 10, 10.1, 1)' | grep -x t > /dev/null
