-- The restored database gets the project's name.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
)
SELECT format('ALTER DATABASE %I RENAME TO %I', datname, wanted ->> 'database')
FROM declaration JOIN pg_database ON datname = wanted ->> 'partial';
