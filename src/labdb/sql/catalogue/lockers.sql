-- Who holds locks of relations: everybody but ourselves.
SELECT DISTINCT format('%%s from %%s since %%s UTC holds %%s of %%s: %%s (pid %%s)',
                       usename,
                       coalesce(client_addr::text, 'this host'),
                       to_char(coalesce(xact_start, backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
                       mode,
                       relation::regclass,
                       coalesce(nullif(application_name, ''), 'no name'),
                       pid)
FROM pg_locks
JOIN pg_stat_activity USING (pid)
WHERE locktype = 'relation'
  AND granted
  AND pid <> pg_backend_pid()
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND relation = ANY (SELECT to_regclass(name) FROM unnest(%(names)s::text[]) AS name)
