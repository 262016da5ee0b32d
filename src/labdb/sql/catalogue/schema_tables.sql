-- The tables of a schema that the session may read, but the ledger of loads.
SELECT relname
FROM pg_class
WHERE relnamespace = to_regnamespace(%(schema)s)
  AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'load_ledger'
  AND has_table_privilege(oid, 'SELECT')
ORDER BY relname
