-- A table with its partitions: rows and pages by PostgreSQL's last count, bytes with indexes, the
-- rows written since then, whether it was ever analysed, and the names of all of them.
WITH tree AS (
  SELECT relid::oid AS oid FROM pg_partition_tree(to_regclass(%(table)s)) WHERE isleaf
  UNION
  SELECT to_regclass(%(table)s)::oid
)
SELECT coalesce(sum(greatest(reltuples, 0)) FILTER (WHERE relkind <> 'p'), 0)::bigint AS rows,
       coalesce(sum(relpages) FILTER (WHERE relkind <> 'p'), 0)::bigint AS pages,
       coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint AS bytes,
       sum(n_mod_since_analyze)::bigint AS unseen,
       bool_and(reltuples >= 0) AS counted,
       array_agg(pg_class.relname::text) AS names
FROM tree
JOIN pg_class ON pg_class.oid = tree.oid
LEFT JOIN pg_stat_all_tables ON relid = pg_class.oid
