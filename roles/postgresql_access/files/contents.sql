-- Extensions, schemas and privileges of one database: the template's, or one of its clones'.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
extension AS (
    SELECT value AS name
    FROM declaration, jsonb_array_elements_text(wanted -> 'extensions')
),
schema AS (
    SELECT value AS name
    FROM declaration, jsonb_array_elements_text(wanted -> 'schemas')
),
-- Roles that make tables: what they make is readable and writable for the groups.
creator AS (
    SELECT item ->> 'name' AS name, item ->> 'kind' AS kind
    FROM declaration, jsonb_array_elements(wanted -> 'roles') AS item
    WHERE item ->> 'kind' IN ('admin', 'owner', 'loader')
),
schema_grant (role, privilege) AS (
    VALUES ('labdb_reader', 'USAGE'), ('labdb_writer', 'USAGE')
    UNION ALL
    SELECT name, 'CREATE' FROM creator WHERE kind = 'loader'
),
schema_acl AS (
    SELECT nspname, coalesce(rolname, 'public') AS role, privilege_type
    FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
    LEFT JOIN pg_roles ON pg_roles.oid = grantee
),
object_grant (kind, objects, role, privilege) AS (
    VALUES
        ('n', 'SCHEMAS', 'labdb_reader', 'USAGE'),
        ('n', 'SCHEMAS', 'labdb_writer', 'USAGE'),
        ('r', 'TABLES', 'labdb_reader', 'SELECT'),
        ('r', 'TABLES', 'labdb_writer', 'SELECT'),
        ('r', 'TABLES', 'labdb_writer', 'INSERT'),
        ('r', 'TABLES', 'labdb_writer', 'UPDATE'),
        ('r', 'TABLES', 'labdb_writer', 'DELETE'),
        ('r', 'TABLES', 'labdb_writer', 'TRUNCATE'),
        ('S', 'SEQUENCES', 'labdb_reader', 'SELECT'),
        ('S', 'SEQUENCES', 'labdb_writer', 'SELECT'),
        ('S', 'SEQUENCES', 'labdb_writer', 'USAGE'),
        ('S', 'SEQUENCES', 'labdb_writer', 'UPDATE')
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
    SELECT 4, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC'
    FROM schema_acl
    WHERE nspname = 'public' AND role = 'public' AND privilege_type = 'CREATE'
    UNION ALL
    SELECT 5, format('GRANT %s ON SCHEMA %I TO %I', string_agg(privilege, ', ' ORDER BY privilege), name, role)
    FROM schema, schema_grant
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
