-- An empty database where the project's own is missing; what a killed run left is dropped.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
statement (position, text) AS (
    SELECT 1, format('DROP DATABASE %I', datname)
    FROM declaration JOIN pg_database ON datname = wanted ->> 'partial'
    UNION ALL
    SELECT 2, format('CREATE DATABASE %I TEMPLATE template0 CONNECTION LIMIT 0', wanted ->> 'partial')
    FROM declaration
)
SELECT text
FROM statement, declaration
WHERE wanted ->> 'database' NOT IN (SELECT datname FROM pg_database)
ORDER BY position;
