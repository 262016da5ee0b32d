-- Tables of a schema that are called like partitions of another one, and are none of any.
SELECT relname,
       reltuples::bigint AS rows,
       pg_total_relation_size(pg_class.oid) AS bytes
FROM pg_class
WHERE relnamespace = to_regnamespace(%(schema)s)
  AND relkind = 'r'
  AND NOT relispartition
  AND starts_with(relname, %(prefix)s)
ORDER BY relname
