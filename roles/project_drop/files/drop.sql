-- The database first: what its roles own and may is in there.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
statement (position, text) AS (
    SELECT 1, format('DROP DATABASE %I', datname)
    FROM declaration JOIN pg_database ON datname = wanted ->> 'database'
    UNION ALL
    SELECT 2, format('DROP ROLE %I', rolname)
    FROM declaration, jsonb_array_elements_text(wanted -> 'roles') AS name
    JOIN pg_roles ON rolname = name
)
SELECT text
FROM statement
ORDER BY position, text;
