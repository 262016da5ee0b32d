-- The tables of a release as its ledger of loads tells of them, those that are there.
SELECT table_name,
       array_agg(DISTINCT model ORDER BY model),
       array_agg(DISTINCT model_version ORDER BY model_version),
       min(model_table),
       coalesce(array_agg(file_name ORDER BY file_name) FILTER (WHERE finished_at IS NULL), '{{}}'),
       json_agg(json_build_object('file', file_name, 'sha256', sha256, 'rows', rows_loaded,
                                  'code_version', code_version) ORDER BY source_id)
FROM {schema}.load_ledger
WHERE EXISTS (
  SELECT
  FROM pg_class
  WHERE relnamespace = to_regnamespace(quote_ident(%(schema)s))
    AND relname = table_name
    AND relkind IN ('r', 'p')
)
GROUP BY table_name
ORDER BY table_name
