-- Who holds the lock of a table. PostgreSQL shows a lock of 64 bits as two of 32.
SELECT pg_stat_activity.pid,
       coalesce(usename, '') AS who,
       coalesce(application_name, '') AS program,
       coalesce(client_addr::text, 'this host') AS place,
       to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since
FROM pg_locks
JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory'
  AND granted
  AND objsubid = 1
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) | objid::bigint = hashtextextended(%(name)s, 0)
