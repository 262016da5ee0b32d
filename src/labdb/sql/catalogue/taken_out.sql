-- Rows of each file, by source_id, in partitions that were detached from a table: load_ledger still
-- counts them. Half-detached ones count, for queries do not see their rows; attached ones do not.
SELECT file.key::integer AS source_id,
       sum(file.value::bigint)::bigint AS rows
FROM {schema}.partition_ledger AS line
CROSS JOIN LATERAL jsonb_each_text(line.rows_of_files) AS file
WHERE line.table_name = %(table)s
  AND line.partition_name <> ALL (%(attached)s::text[])
GROUP BY file.key
