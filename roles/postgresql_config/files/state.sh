# The cluster's files and how its server stands to them, as one JSON object; nothing when there
# is no cluster in folder $0. The query of standard input is asked of the server of data
# directory $1, which knows where it listens: lines 4 and 5 of its pid file.
set -eu
# Whoever writes the query must not find the pipe closed: every way out reads it.
cd "$0" 2>/dev/null && [ -e postgresql.conf ] || { cat >/dev/null; exit 0; }
[ -e "$1/postmaster.pid" ] || { cat >/dev/null; echo "no server runs on $1" >&2; exit 1; }
port=$(sed -n 4p "$1/postmaster.pid")
socket=$(sed -n 5p "$1/postmaster.pid")
live="conf.d/10-labdb.conf pg_hba.conf pg_ident.conf"
files=
for file in $live last-good/10-labdb.conf last-good/pg_hba.conf last-good/pg_ident.conf; do
    [ -f "$file" ] || continue
    sum=$(sha256sum "$file")
    files="$files,\"$file\":\"$(stat --format='%U:%G %a' "$file") ${sum%% *}\""
done
included=false
! grep -Eq "^\s*include_dir\s*=?\s*'conf\.d'" postgresql.conf || included=true
exec runuser -u postgres -- psql --no-psqlrc --no-align --tuples-only --quiet \
    --set=ON_ERROR_STOP=1 --set=files="{${files#,}}" --set=included="$included" \
    --host="$socket" --port="$port" postgres
