-- Give each file of a table its number, in the order of the names: the same files have the same
-- numbers, however often a load is broken off.
INSERT INTO {schema}.load_ledger (table_name, source_id, file_name, model, model_version, model_table)
SELECT %(table)s,
       (SELECT coalesce(max(source_id), 0) FROM {schema}.load_ledger WHERE table_name = %(table)s)
         + row_number() OVER (ORDER BY place),
       file_name, %(model)s, %(version)s, %(model_table)s
FROM unnest(%(files)s::text[]) WITH ORDINALITY AS given (file_name, place)
WHERE NOT EXISTS (
  SELECT FROM {schema}.load_ledger AS there
  WHERE there.table_name = %(table)s AND there.file_name = given.file_name
)
