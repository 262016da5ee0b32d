-- Values that ALTER SYSTEM set and that are to go.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
)
SELECT DISTINCT format('ALTER SYSTEM RESET %I', name)
FROM pg_file_settings, declaration
WHERE sourcefile LIKE '%/postgresql.auto.conf' AND wanted -> 'reset' ? name;
