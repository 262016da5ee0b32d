-- What stands in the schema of the views: its kind, the table that a view is of, and its rights.
SELECT relname,
       relkind::text,
       (SELECT json_build_array(nspname, source.relname)
        FROM pg_rewrite
        JOIN pg_depend ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid
        JOIN pg_class AS source ON refclassid = 'pg_class'::regclass AND source.oid = refobjid
        JOIN pg_namespace ON pg_namespace.oid = source.relnamespace
        WHERE ev_class = view.oid AND source.oid <> view.oid
        GROUP BY nspname, source.relname
        LIMIT 1),
       coalesce('security_invoker=true' = ANY (reloptions), false),
       pg_get_userbyid(relowner),
       (SELECT coalesce(json_agg(json_build_array(coalesce(rolname, ''), privilege_type, is_grantable)
                                 ORDER BY rolname, privilege_type), '[]')
        FROM aclexplode(relacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE grantee <> relowner),
       ARRAY(SELECT format('column %%I has grants of its own', attname)
             FROM pg_attribute
             WHERE attrelid = view.oid AND attacl IS NOT NULL
             UNION ALL
             SELECT format('trigger %%I', tgname) FROM pg_trigger WHERE tgrelid = view.oid
             UNION ALL
             SELECT format('rule %%I', rulename)
             FROM pg_rewrite
             WHERE ev_class = view.oid AND rulename <> '_RETURN')
FROM pg_class AS view
WHERE relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
ORDER BY relname
