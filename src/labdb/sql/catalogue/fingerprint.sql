-- The questions that answer what one relation holds, as fingerprint.sql puts them for all tables: the
-- number of rows, a hash in which their order does not count, and sum, minimum and maximum of each
-- numeric column. A view has an answer too. What settings do to texts is fixed by who asks.
-- PostgreSQL takes 1,664 columns in a query: three for each of 500 at a time.
WITH numbers AS (
  SELECT attname, attnum, (row_number() OVER (ORDER BY attnum) - 1) / 500 AS part
  FROM pg_attribute
  WHERE attrelid = to_regclass(%(table)s)
    AND attnum > 0
    AND NOT attisdropped
    AND atttypid = ANY ('{smallint,integer,bigint,real,"double precision",numeric}'::regtype[])
),
parts AS (
  SELECT part,
         string_agg(quote_literal(attname), ', ' ORDER BY attnum) AS names,
         string_agg(format('sum(t.%%I::numeric)::text', attname), ', ' ORDER BY attnum) AS sums,
         string_agg(format('min(t.%%I)::text', attname), ', ' ORDER BY attnum) AS minima,
         string_agg(format('max(t.%%I)::text', attname), ', ' ORDER BY attnum) AS maxima
  FROM numbers
  GROUP BY part
)
SELECT format(
         'SELECT count(*), %%6$s, '
           'json_object(ARRAY[%%2$s]::text[], ARRAY[%%3$s]::text[]), '
           'json_object(ARRAY[%%2$s]::text[], ARRAY[%%4$s]::text[]), '
           'json_object(ARRAY[%%2$s]::text[], ARRAY[%%5$s]::text[]) FROM %%1$s AS t',
         format('%%I.%%I', nspname, relname), names, sums, minima, maxima,
         CASE WHEN coalesce(part, 0) = 0
           THEN 'coalesce(sum(hashtextextended((t.*)::text COLLATE "C", 0)), 0)::text'
           ELSE 'NULL' END
       )
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
LEFT JOIN parts ON true
WHERE pg_class.oid = to_regclass(%(table)s)
ORDER BY part
