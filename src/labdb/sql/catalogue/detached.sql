-- Partitions that the ledger knows as detached, those too that are a partition again: the caller
-- asks the catalogue of PostgreSQL, for a command may have been broken off between the two.
SELECT partition_name,
       low,
       high,
       to_char(detached_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS detached_at,
       dropped_at IS NOT NULL AS dropped,
       archive
FROM {schema}.partition_ledger
WHERE table_name = %(table)s
ORDER BY low
