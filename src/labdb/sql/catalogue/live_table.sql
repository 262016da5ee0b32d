-- A table: its description, its columns in order, its primary key, and its other indexes.
WITH wanted AS (SELECT to_regclass(%(table)s) AS oid),
first_of AS (
  -- Columns that an index begins with, or that its expression is made of.
  SELECT indrelid, refobjsubid AS attnum
  FROM pg_index
  JOIN pg_depend ON pg_depend.objid = indexrelid
   AND pg_depend.classid = 'pg_class'::regclass
   AND refclassid = 'pg_class'::regclass AND refobjid = indrelid AND refobjsubid > 0
  WHERE indrelid = (SELECT oid FROM wanted)
    AND indisvalid
    AND (indkey[0] = refobjsubid
         OR indkey[0] = 0 AND refobjsubid <> ALL (indkey::smallint[]))
  UNION
  SELECT indrelid, indkey[0] FROM pg_index
  WHERE indrelid = (SELECT oid FROM wanted) AND indisvalid
)
SELECT coalesce(obj_description((SELECT oid FROM wanted), 'pg_class'), ''),
       (SELECT coalesce(json_agg(json_build_array(
           attname,
           CASE WHEN typname = 'vector' AND atttypmod > 0
                THEN format('vector(%%s)', atttypmod)
                ELSE format_type(atttypid, NULL) END,
           NOT attnotnull,
           coalesce(col_description(attrelid, attnum), ''),
           EXISTS (SELECT FROM first_of WHERE first_of.attnum = pg_attribute.attnum)
         ) ORDER BY attnum), '[]')
        FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
        WHERE attrelid = (SELECT oid FROM wanted) AND attnum > 0 AND NOT attisdropped),
       (SELECT coalesce(json_agg(attname ORDER BY place), '[]')
        FROM pg_index
        CROSS JOIN LATERAL unnest(indkey::smallint[]) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = number
        WHERE indrelid = (SELECT oid FROM wanted) AND indisprimary),
       (SELECT coalesce(json_agg(json_build_array(
           relname, amname,
           (SELECT json_agg(pg_get_indexdef(indexrelid, place, true) ORDER BY place)
            FROM generate_series(1, indnkeyatts) AS place),
           indexprs IS NULL AND indpred IS NULL
         ) ORDER BY relname), '[]')
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
        WHERE indrelid = (SELECT oid FROM wanted) AND NOT indisprimary AND indisvalid)
