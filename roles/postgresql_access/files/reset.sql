-- Settings that somebody made by hand and that are to go.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
named AS (
    SELECT item ->> 'role' AS role, item ->> 'database' AS database, item ->> 'parameter' AS name
    FROM declaration, jsonb_array_elements(wanted -> 'reset') AS item
),
setting AS (
    SELECT
        coalesce(rolname, '') AS role,
        coalesce(datname, '') AS database,
        split_part(text, '=', 1) AS name
    FROM pg_db_role_setting
    CROSS JOIN unnest(setconfig) AS text
    LEFT JOIN pg_roles ON pg_roles.oid = setrole
    LEFT JOIN pg_database ON pg_database.oid = setdatabase
)
SELECT CASE
    WHEN role <> '' AND database <> '' THEN
        format('ALTER ROLE %I IN DATABASE %I RESET %I', role, database, name)
    WHEN role <> '' THEN format('ALTER ROLE %I RESET %I', role, name)
    WHEN database <> '' THEN format('ALTER DATABASE %I RESET %I', database, name)
    ELSE format('ALTER ROLE ALL RESET %I', name)
END
FROM named JOIN setting USING (role, database, name)
ORDER BY 1;
