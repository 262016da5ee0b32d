-- A vector has its number of dimensions, and is called so wherever its extension is.
SELECT attname,
       CASE WHEN typname = 'vector' AND atttypmod > 0
            THEN format('vector(%%s)', atttypmod)
            ELSE format_type(atttypid, NULL)
       END,
       attnotnull
FROM pg_attribute
JOIN pg_type ON pg_type.oid = atttypid
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
