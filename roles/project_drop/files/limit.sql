-- How many may connect to the project's database.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
)
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', datname, wanted ->> 'connection_limit')
FROM declaration JOIN pg_database ON datname = wanted ->> 'database'
WHERE datconnlimit <> (wanted ->> 'connection_limit')::int;
