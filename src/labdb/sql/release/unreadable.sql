-- Who may read a view and not the table behind it: a view asks for its reader's own rights.
SELECT coalesce(rolname, 'PUBLIC'),
       NOT has_schema_privilege(coalesce(rolname, 'public'), table_schema.oid, 'USAGE')
FROM pg_class AS view
CROSS JOIN aclexplode(coalesce(view.relacl, acldefault('r', view.relowner)))
LEFT JOIN pg_roles ON pg_roles.oid = grantee
JOIN pg_class AS source ON source.oid = to_regclass(%(table)s)
JOIN pg_namespace AS table_schema ON table_schema.oid = source.relnamespace
WHERE view.oid = to_regclass(%(view)s)
  AND privilege_type = 'SELECT'
  AND NOT (has_schema_privilege(coalesce(rolname, 'public'), table_schema.oid, 'USAGE')
           AND has_table_privilege(coalesce(rolname, 'public'), source.oid, 'SELECT'))
ORDER BY 1
