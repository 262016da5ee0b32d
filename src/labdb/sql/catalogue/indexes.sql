-- The indexes of a table: what each holds, how large it is and how often it was used, with its
-- parts on partitions. A key that is no column is its expression.
WITH parts AS (
  SELECT top.indexrelid AS oid, tree.relid::oid AS part
  FROM pg_index AS top, pg_partition_tree(top.indexrelid) AS tree
  WHERE top.indrelid = to_regclass(%(table)s) AND tree.isleaf
  UNION
  SELECT indexrelid, indexrelid FROM pg_index WHERE indrelid = to_regclass(%(table)s)
)
SELECT index.relname::text AS name,
       amname::text AS method,
       ARRAY(
         SELECT coalesce(attname::text, pg_get_indexdef(pg_index.indexrelid, place, true))
         FROM generate_series(1, indnkeyatts) AS place
         LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[place - 1] AND attnum > 0
         ORDER BY place
       ) AS keys,
       ARRAY(
         SELECT attname::text
         FROM generate_series(indnkeyatts + 1, indnatts) AS place
         JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[place - 1]
         ORDER BY place
       ) AS included,
       indisunique,
       indisprimary,
       indisvalid,
       indpred IS NOT NULL AS partial,
       CASE WHEN %(ra)s::text IS NOT NULL
         THEN pg_get_indexdef(pg_index.indexrelid, 1, true)
           LIKE '%%q3c_ang2ipix(' || format('%%I, %%I)', %(ra)s::text, %(dec)s::text)
         ELSE false
       END AS spherical,
       sum(pg_relation_size(part.oid))::bigint AS bytes,
       coalesce(sum(idx_scan), 0)::bigint AS scans,
       array_agg(part.relname::text) AS parts
FROM pg_index
JOIN pg_class AS index ON index.oid = pg_index.indexrelid
JOIN pg_am ON pg_am.oid = index.relam
JOIN parts ON parts.oid = pg_index.indexrelid
JOIN pg_class AS part ON part.oid = parts.part
LEFT JOIN pg_stat_all_indexes AS used ON used.indexrelid = part.oid
WHERE indrelid = to_regclass(%(table)s)
GROUP BY pg_index.indexrelid, indrelid, indkey, indnatts, indnkeyatts, indisunique, indisprimary,
         indisvalid, indpred, index.relname, amname
ORDER BY name
