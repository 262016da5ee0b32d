-- A unique index that lets no two rows have the same values in the columns, where there is one.
SELECT index.indexrelid::regclass::text
FROM pg_index AS index
WHERE index.indrelid = to_regclass(%(table)s)
  AND index.indisunique AND index.indisvalid AND index.indisready AND index.indislive
  AND index.indpred IS NULL AND index.indexprs IS NULL
  AND (
    SELECT array_agg(attname::text)
    FROM pg_attribute
    WHERE attrelid = index.indrelid
      AND attnum = ANY ((index.indkey::smallint[])[0:index.indnkeyatts - 1])
  ) <@ %(columns)s::text[]
ORDER BY 1
LIMIT 1
