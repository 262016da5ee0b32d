-- The tables that a schema's ledger knows and that are there, with the model they were loaded by.
SELECT table_name,
       max(model) AS model,
       max(model_version) AS model_version,
       max(model_table) AS model_table,
       count(*) FILTER (WHERE finished_at IS NOT NULL) AS files,
       coalesce(sum(rows_loaded) FILTER (WHERE finished_at IS NOT NULL), 0)::bigint AS rows,
       bool_and(finished_at IS NOT NULL) AS complete
FROM {schema}.load_ledger
WHERE to_regclass(format('%%I.%%I', %(schema)s::text, table_name)) IS NOT NULL
GROUP BY table_name
ORDER BY table_name
