-- What a table is besides its columns, in words that PostgreSQL takes again.
SELECT pg_get_userbyid(relowner) AS owner,
       coalesce(obj_description(pg_class.oid, 'pg_class'), '') AS comment,
       coalesce(to_json(reloptions), '[]') AS options,
       (SELECT coalesce(json_agg(json_build_array(coalesce(rolname, ''), privilege_type, is_grantable)
                                 ORDER BY rolname, privilege_type), '[]')
        FROM aclexplode(relacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE grantee <> relowner) AS grants,
       (SELECT coalesce(json_agg(json_build_array(conname, pg_get_constraintdef(pg_constraint.oid), contype)
                                 ORDER BY contype <> 'p', contype = 'f', conname), '[]')
        FROM pg_constraint
        WHERE conrelid = pg_class.oid AND contype IN ('p', 'u', 'c', 'x', 'f')) AS constraints,
       (SELECT coalesce(json_agg(pg_get_indexdef(indexrelid) ORDER BY indexrelid), '[]')
        FROM pg_index
        WHERE indrelid = pg_class.oid
          AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
       ) AS indexes,
       (SELECT coalesce(json_agg(pg_get_statisticsobjdef(oid) ORDER BY oid), '[]')
        FROM pg_statistic_ext
        WHERE stxrelid = pg_class.oid) AS statistics
FROM pg_class
WHERE oid = to_regclass(%(table)s)
