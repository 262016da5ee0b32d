-- The question that answers what one relation holds, as fingerprint.sql puts it for all tables: the
-- number of rows, a hash in which their order does not count, and sum, minimum and maximum of each
-- numeric column. A view has an answer too. What settings do to texts is fixed by who asks.
SELECT format(
         'SELECT count(*), coalesce(sum(hashtextextended((t.*)::text COLLATE "C", 0)), 0)::text, '
           'json_object(ARRAY[%%2$s]::text[], ARRAY[%%3$s]::text[]), '
           'json_object(ARRAY[%%2$s]::text[], ARRAY[%%4$s]::text[]), '
           'json_object(ARRAY[%%2$s]::text[], ARRAY[%%5$s]::text[]) FROM %%1$s AS t',
         (SELECT format('%%I.%%I', nspname, relname)
          FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
          WHERE pg_class.oid = to_regclass(%(table)s)),
         string_agg(quote_literal(attname), ', ' ORDER BY attnum),
         string_agg(format('sum(t.%%I::numeric)::text', attname), ', ' ORDER BY attnum),
         string_agg(format('min(t.%%I)::text', attname), ', ' ORDER BY attnum),
         string_agg(format('max(t.%%I)::text', attname), ', ' ORDER BY attnum)
       )
FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s)
  AND attnum > 0
  AND NOT attisdropped
  AND atttypid = ANY ('{smallint,integer,bigint,real,"double precision",numeric}'::regtype[])
