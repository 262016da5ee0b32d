-- The relation that each file of this database's belongs to, by the file's path.
SELECT coalesce(json_object_agg(pg_relation_filepath(oid), oid::regclass), '{}')
FROM pg_class
WHERE pg_relation_filepath(oid) IS NOT NULL;
