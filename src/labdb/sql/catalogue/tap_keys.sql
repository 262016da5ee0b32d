-- Foreign keys between tables of the given names, a line for each pair of columns.
SELECT format('%%s.%%s', from_space.nspname, conname) AS key_id,
       from_space.nspname, from_table.relname, to_space.nspname, to_table.relname,
       from_column.attname, to_column.attname
FROM pg_constraint
JOIN pg_class AS from_table ON from_table.oid = conrelid
JOIN pg_namespace AS from_space ON from_space.oid = from_table.relnamespace
JOIN pg_class AS to_table ON to_table.oid = confrelid
JOIN pg_namespace AS to_space ON to_space.oid = to_table.relnamespace
CROSS JOIN LATERAL unnest(conkey, confkey) WITH ORDINALITY AS pair (from_number, to_number, place)
JOIN pg_attribute AS from_column ON from_column.attrelid = conrelid AND from_column.attnum = from_number
JOIN pg_attribute AS to_column ON to_column.attrelid = confrelid AND to_column.attnum = to_number
WHERE contype = 'f'
  AND conrelid = ANY (SELECT to_regclass(name) FROM unnest(%(tables)s::text[]) AS name)
  AND confrelid = ANY (SELECT to_regclass(name) FROM unnest(%(tables)s::text[]) AS name)
ORDER BY key_id, place
