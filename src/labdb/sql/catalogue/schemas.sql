-- The schemas that hold a ledger of loads which the session may read.
SELECT nspname
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relname = 'load_ledger' AND relkind = 'r'
  AND has_table_privilege(pg_class.oid, 'SELECT')
ORDER BY nspname
