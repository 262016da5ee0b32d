-- The partitions of a table: bound, rows by PostgreSQL's last count (-1 for never counted), bytes
-- with indexes, and whether a detaching was broken off.
SELECT part.relname,
       pg_get_expr(part.relpartbound, part.oid) AS bound,
       part.reltuples::bigint AS rows,
       pg_total_relation_size(part.oid) AS bytes,
       inhdetachpending AS half_detached
FROM pg_inherits
JOIN pg_class AS part ON part.oid = inhrelid
WHERE inhparent = to_regclass(%(table)s)
  AND part.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = inhparent)
ORDER BY part.relname
