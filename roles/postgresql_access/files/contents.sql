-- Extensions, schemas and privileges of one database: the template's, or one of its clones'.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
-- What is declared of the database that is asked; of the template nothing.
item AS (
    SELECT item
    FROM declaration, jsonb_array_elements(wanted -> 'databases') AS item
    WHERE item ->> 'name' = current_database()
),
here AS (
    SELECT
        item ->> 'owner' AS owner,
        coalesce(item ->> 'reader', 'labdb_reader') AS reader,
        coalesce(item ->> 'writer', 'labdb_writer') AS writer,
        coalesce(item ? 'reader', false) AS is_apart
    FROM declaration LEFT JOIN item ON true
),
extension (name) AS (
    SELECT jsonb_array_elements_text(wanted -> 'extensions') FROM declaration
    UNION SELECT jsonb_array_elements_text(item -> 'extensions') FROM item
),
schema (name) AS (
    SELECT jsonb_array_elements_text(wanted -> 'schemas') FROM declaration
    UNION SELECT jsonb_array_elements_text(item -> 'schemas') FROM item
),
role AS (
    SELECT
        item ->> 'name' AS name,
        item ->> 'kind' AS kind,
        ARRAY(SELECT jsonb_array_elements_text(item -> 'groups')) AS groups
    FROM declaration, jsonb_array_elements(wanted -> 'roles') AS item
),
-- Roles that have their rights by this database, and those that have them by others.
ours (name) AS (
    SELECT unnest(ARRAY[owner, writer, reader]) FROM here
    UNION
    SELECT name
    FROM role, here
    WHERE CASE WHEN is_apart THEN kind = 'admin' OR groups && ARRAY[owner, writer, reader] ELSE groups = '{}' END
),
foreigner (name) AS (
    SELECT item ->> 'name' FROM declaration, jsonb_array_elements(coalesce(wanted -> 'groups', '[]')) AS item
    UNION SELECT name FROM role
    UNION VALUES ('labdb_reader'), ('labdb_writer')
    EXCEPT SELECT name FROM ours
),
-- Roles that make tables: what they make is readable and writable for the groups.
creator AS (
    SELECT name, kind
    FROM role
    WHERE kind IN ('admin', 'owner', 'loader') AND name IN (SELECT ours.name FROM ours)
    UNION ALL
    -- Whoever acts as the group.
    SELECT unnest(ARRAY[owner, writer]), 'group' FROM here WHERE is_apart
),
wanted_schema (name, role, privilege) AS (
    SELECT name, grantee, 'USAGE' FROM schema, here, LATERAL (VALUES (reader), (writer)) AS groups (grantee)
    UNION ALL
    SELECT schema.name, creator.name, 'CREATE' FROM schema, creator, here WHERE kind = 'loader' AND NOT is_apart
    UNION ALL
    SELECT name, writer, 'CREATE' FROM schema, here WHERE is_apart
    UNION ALL
    -- Where the functions of the extensions are.
    SELECT 'public', reader, 'USAGE' FROM here WHERE is_apart
),
schema_acl AS (
    SELECT nspname, coalesce(rolname, 'public') AS role, privilege_type, pg_get_userbyid(nspowner) AS owner
    FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
    LEFT JOIN pg_roles ON pg_roles.oid = grantee
),
object_grant (kind, objects, role, privilege) AS (
    SELECT kind, objects, CASE who WHEN 'reader' THEN reader ELSE writer END, privilege
    FROM here, (
        VALUES
            ('n', 'SCHEMAS', 'reader', 'USAGE'),
            ('n', 'SCHEMAS', 'writer', 'USAGE'),
            ('n', 'SCHEMAS', 'writer', 'CREATE'),
            ('r', 'TABLES', 'reader', 'SELECT'),
            ('r', 'TABLES', 'writer', 'SELECT'),
            ('r', 'TABLES', 'writer', 'INSERT'),
            ('r', 'TABLES', 'writer', 'UPDATE'),
            ('r', 'TABLES', 'writer', 'DELETE'),
            ('r', 'TABLES', 'writer', 'TRUNCATE'),
            ('S', 'SEQUENCES', 'reader', 'SELECT'),
            ('S', 'SEQUENCES', 'writer', 'SELECT'),
            ('S', 'SEQUENCES', 'writer', 'USAGE'),
            ('S', 'SEQUENCES', 'writer', 'UPDATE')
    ) AS granted (kind, objects, who, privilege)
    WHERE is_apart OR privilege <> 'CREATE'
),
-- Without a schema: they hold in every schema, also in those that are made later.
default_acl AS (
    SELECT makers.rolname AS maker, defaclobjtype::text AS kind, grantees.rolname AS role, privilege_type
    FROM pg_default_acl
    CROSS JOIN aclexplode(defaclacl)
    JOIN pg_roles AS grantees ON grantees.oid = grantee
    JOIN pg_roles AS makers ON makers.oid = defaclrole
    WHERE defaclnamespace = 0
),
-- What stood there before the default privileges did.
object AS (
    SELECT
        nspname AS schema,
        CASE relkind WHEN 'S' THEN 'S' ELSE 'r' END AS kind,
        coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) AS acl
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname IN (SELECT name FROM schema) AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
),
-- Everything of everybody in every schema: a clone has what the template's grants say.
relation AS (
    SELECT nspname AS schema, relname AS name, relkind = 'S' AS is_sequence, rolname AS role
    FROM pg_class
    CROSS JOIN aclexplode(relacl)
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_roles ON pg_roles.oid = grantee
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND grantee <> relowner
),
statement (position, text) AS (
    SELECT 1, format('CREATE EXTENSION IF NOT EXISTS %I CASCADE', name)
    FROM extension
    WHERE name NOT IN (SELECT extname FROM pg_extension)
    UNION ALL
    SELECT 2, format('ALTER EXTENSION %I UPDATE', name)
    FROM extension
    JOIN pg_extension ON extname = name
    JOIN pg_available_extensions USING (name)
    WHERE extversion <> default_version
    UNION ALL
    -- Whoever owns the database owns them: a clone needs no change of owners.
    SELECT 3, format('CREATE SCHEMA %I AUTHORIZATION pg_database_owner', name)
    FROM schema
    WHERE name NOT IN (SELECT nspname FROM pg_namespace)
    UNION ALL
    SELECT 4, format('REVOKE %s ON SCHEMA public FROM PUBLIC', privilege_type)
    FROM schema_acl, here
    WHERE nspname = 'public' AND role = 'public' AND (privilege_type = 'CREATE' OR is_apart)
    UNION ALL
    SELECT DISTINCT 4, format('REVOKE ALL ON SCHEMA %I FROM %I', nspname, role)
    FROM schema_acl
    WHERE role IN (TABLE foreigner) AND role <> owner
    UNION ALL
    SELECT DISTINCT 4, format(
        'ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE ALL ON %s FROM %I',
        maker, CASE kind WHEN 'n' THEN 'SCHEMAS' WHEN 'r' THEN 'TABLES' ELSE 'SEQUENCES' END, role
    )
    FROM default_acl
    WHERE role IN (TABLE foreigner) AND role <> maker AND kind IN ('n', 'r', 'S')
    UNION ALL
    SELECT DISTINCT 4, format(
        'REVOKE ALL ON %s %I.%I FROM %I', CASE WHEN is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, schema, name, role
    )
    FROM relation
    WHERE role IN (TABLE foreigner)
    UNION ALL
    SELECT 5, format('GRANT %s ON SCHEMA %I TO %I', string_agg(privilege, ', ' ORDER BY privilege), name, role)
    FROM wanted_schema
    WHERE (name, role, privilege) NOT IN (SELECT nspname, schema_acl.role, privilege_type FROM schema_acl)
    GROUP BY name, role
    UNION ALL
    SELECT 6, format(
        'ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT %s ON %s TO %I',
        creator.name, string_agg(privilege, ', ' ORDER BY privilege), objects, role
    )
    FROM creator, object_grant
    WHERE
        (creator.name, object_grant.kind, role, privilege)
        NOT IN (SELECT maker, default_acl.kind, default_acl.role, privilege_type FROM default_acl)
    GROUP BY creator.name, objects, role
    UNION ALL
    SELECT DISTINCT 7, format(
        'GRANT %s ON ALL %s IN SCHEMA %I TO %I', privilege, objects, schema, role
    )
    FROM object JOIN object_grant USING (kind)
    WHERE NOT EXISTS (
        SELECT
        FROM aclexplode(acl) JOIN pg_roles ON pg_roles.oid = grantee
        WHERE rolname = role AND privilege_type = privilege
    )
)
SELECT text
FROM statement
ORDER BY position, text;
