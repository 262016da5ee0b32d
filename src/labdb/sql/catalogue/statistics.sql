-- What ANALYZE found in the columns of a table, and in the first key of its index on pixels.
-- Of a partitioned table it is what holds for all partitions together.
SELECT attname::text AS name,
       CASE WHEN n_distinct < 0 THEN -n_distinct * %(rows)s::float8 ELSE n_distinct END AS distinct,
       correlation,
       CASE WHEN numeric_type THEN (histogram_bounds::text::text[])[1]::float8 END AS low,
       CASE WHEN numeric_type
         THEN (histogram_bounds::text::text[])[array_upper(histogram_bounds::text::text[], 1)]::float8
       END AS high,
       coalesce(attstattarget, -1) AS target
FROM (
  SELECT pg_attribute.attname, attrelid, attstattarget, relname, nspname, relkind,
         atttypid = ANY ('{smallint,integer,bigint,real,"double precision"}'::regtype[]) AS numeric_type
  FROM pg_attribute
  JOIN pg_class ON pg_class.oid = attrelid
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
) AS columns
JOIN pg_stats USING (attname)
WHERE schemaname = nspname AND tablename = relname AND inherited = (relkind = 'p')
UNION ALL
SELECT %(index)s::text,
       CASE WHEN n_distinct < 0 THEN -n_distinct * %(rows)s::float8 ELSE n_distinct END,
       correlation,
       NULL,
       NULL,
       coalesce(attstattarget, -1)
FROM pg_stats
JOIN pg_attribute ON attrelid = to_regclass(%(index_place)s) AND attnum = 1
WHERE schemaname = %(schema)s AND tablename = %(index)s
