# Tell whether a data directory left recovery, while another one is kept that may take its place: 0
# where both are of one cluster, 2 where they are not, as after the recovery of a lost server.
#   opened.sh DATA_DIRECTORY
test -e "$0/PG_VERSION" && test -e "$0.before" || exit 1
test ! -e "$0/recovery.signal" && test ! -e "$0/labdb-taken-back" || exit 1
# pg_control begins with the system identifier.
cmp -s -n 8 "$0/global/pg_control" "$0.before/global/pg_control" || exit 2
