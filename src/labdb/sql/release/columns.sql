-- The columns of all relations of a schema; a collation that is not the type's own counts as type.
SELECT relname,
       json_agg(json_build_array(attname,
                                 concat(format_type(atttypid, atttypmod),
                                        CASE WHEN attcollation <> typcollation
                                          THEN ' COLLATE ' || attcollation::regcollation END),
                                 coalesce(col_description(attrelid, attnum), '')) ORDER BY attnum),
       coalesce(obj_description(pg_class.oid, 'pg_class'), '')
FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid
JOIN pg_type ON pg_type.oid = atttypid
WHERE relnamespace = to_regnamespace(quote_ident(%(schema)s))
  AND relkind IN ('r', 'p', 'v')
  AND attnum > 0
  AND NOT attisdropped
GROUP BY relname, pg_class.oid
