-- What every table of this database holds, as one JSON array: the number of its rows, a hash in
-- which their order does not count, and sum, minimum and maximum of each numeric column.
-- All tables in one snapshot: psql runs what the query below writes. A row is hashed as it is
-- shown, so everything that changes how it is shown is fixed. Sums are those of numeric: unlike
-- those of double precision they do not depend on the order of rows. Unlogged tables are in no
-- backup; a partition is a table of its own.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '60s';
SET LOCAL search_path = pg_catalog;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL lc_monetary = 'C';

WITH numbers AS (
  SELECT attrelid,
         string_agg(quote_literal(attname), ', ' ORDER BY attnum) AS names,
         string_agg(format('sum(t.%I::numeric)::text', attname), ', ' ORDER BY attnum) AS sums,
         string_agg(format('min(t.%I)::text', attname), ', ' ORDER BY attnum) AS minima,
         string_agg(format('max(t.%I)::text', attname), ', ' ORDER BY attnum) AS maxima
  FROM pg_attribute
  WHERE attnum > 0
    AND NOT attisdropped
    AND atttypid = ANY ('{smallint,integer,bigint,real,"double precision",numeric}'::regtype[])
  GROUP BY attrelid
),
questions AS (
  SELECT format(
           'SELECT json_build_object('
             '''schema'', %1$L, ''table'', %2$L, ''rows'', count(*), '
             '''hash'', coalesce(sum(hashtextextended((t.*)::text COLLATE "C", 0)), 0)::text, '
             '''sums'', json_object(ARRAY[%3$s]::text[], ARRAY[%4$s]::text[]), '
             '''minima'', json_object(ARRAY[%3$s]::text[], ARRAY[%5$s]::text[]), '
             '''maxima'', json_object(ARRAY[%3$s]::text[], ARRAY[%6$s]::text[])) AS answer '
             'FROM ONLY %1$I.%2$I AS t',
           nspname, relname, names, sums, minima, maxima
         ) AS question
  FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
  LEFT JOIN numbers ON attrelid = pg_class.oid
  WHERE relkind = 'r'
    AND relpersistence = 'p'
    AND nspname !~ '^pg_'
    AND nspname <> 'information_schema'
)
SELECT coalesce(
         'SELECT json_agg(answer) FROM (' || string_agg(question, ' UNION ALL ') || ') AS answers',
         'SELECT json_build_array()'
       )
FROM questions
\gexec

COMMIT;
