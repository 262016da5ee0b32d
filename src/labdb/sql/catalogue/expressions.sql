-- The expressions that a table has extended statistics on.
SELECT unnest(pg_get_statisticsobjdef_expressions(oid))
FROM pg_statistic_ext
WHERE stxrelid = to_regclass(%(table)s)
