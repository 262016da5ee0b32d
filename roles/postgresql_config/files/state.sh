# How the server of data directory $1 stands to its files, as one JSON object: what query $2 says,
# asked where lines 4 and 5 of its pid file say it listens. Nothing when there is no cluster in
# folder $0.
set -eu
[ -e "$0/postgresql.conf" ] || exit 0
[ -e "$1/postmaster.pid" ] || { echo "no server runs on $1" >&2; exit 1; }
port=$(sed -n 4p "$1/postmaster.pid")
socket=$(sed -n 5p "$1/postmaster.pid")
included=false
! grep -Eq "^\s*include_dir\s*=?\s*'conf\.d'" "$0/postgresql.conf" || included=true
printf '%s\n' "$2" | runuser -u postgres -- psql --no-psqlrc --no-align --tuples-only --quiet \
    --set=ON_ERROR_STOP=1 --set=included="$included" --host="$socket" --port="$port" postgres
