-- The pooler's own role, and the one function by which it learns who a client is; both taken away
-- again where no pooler is wanted.
WITH declaration AS (
    SELECT
        (wanted ->> 'enabled')::boolean AS enabled,
        wanted ->> 'role' AS role,
        (wanted ->> 'connections')::int AS connections
    FROM (SELECT current_setting('labdb.declaration')::jsonb AS wanted) AS given
),
-- It may ask one thing. A verifier cannot be turned back into a password, and that of a superuser
-- is none of a pooler's business.
code (body) AS (
    VALUES (
        $body$
    SELECT rolname, rolpassword
    FROM pg_authid
    WHERE
        rolname = wanted
        AND rolcanlogin
        AND NOT rolsuper
        AND NOT rolreplication
        AND rolpassword LIKE 'SCRAM-SHA-256$%'
        AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
$body$
    )
),
present AS (
    SELECT prosrc, proacl, proowner
    FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE
        nspname = 'pgbouncer'
        AND proname = 'verifier'
        AND prosecdef
        AND proconfig = '{"search_path=pg_catalog, pg_temp"}'
),
allowed AS (
    SELECT coalesce(rolname, 'public') AS role
    FROM present, aclexplode(coalesce(proacl, acldefault('f', proowner)))
    LEFT JOIN pg_roles ON pg_roles.oid = grantee
),
attributes AS (
    SELECT
        rolname,
        rolcanlogin
        AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls OR rolinherit) AS well,
        rolconnlimit
    FROM pg_roles
),
statement (position, text) AS (
    SELECT 1, format('CREATE ROLE %I NOINHERIT LOGIN CONNECTION LIMIT %s', role, connections)
    FROM declaration
    WHERE enabled AND role NOT IN (SELECT rolname FROM pg_roles)
    UNION ALL
    SELECT 1, format(
        'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT %s',
        role, connections
    )
    FROM declaration JOIN attributes ON rolname = role
    WHERE enabled AND (NOT well OR rolconnlimit <> connections)
    UNION ALL
    SELECT 2, 'CREATE SCHEMA pgbouncer'
    FROM declaration
    WHERE enabled AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'pgbouncer')
    UNION ALL
    SELECT 3, format(
        'CREATE OR REPLACE FUNCTION pgbouncer.verifier(wanted text) RETURNS TABLE (role name, verifier text) '
        'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L', body
    )
    FROM declaration, code
    WHERE enabled AND body NOT IN (SELECT prosrc FROM present)
    UNION ALL
    SELECT 4, 'REVOKE ALL ON FUNCTION pgbouncer.verifier FROM PUBLIC'
    FROM declaration
    WHERE enabled AND ('public' IN (TABLE allowed) OR NOT EXISTS (SELECT FROM present))
    UNION ALL
    SELECT 5, format('GRANT EXECUTE ON FUNCTION pgbouncer.verifier TO %I', role)
    FROM declaration
    WHERE enabled AND role NOT IN (TABLE allowed)
    UNION ALL
    SELECT 5, format('GRANT USAGE ON SCHEMA pgbouncer TO %I', role)
    FROM declaration
    WHERE enabled AND NOT EXISTS (
        SELECT
        FROM pg_namespace, aclexplode(nspacl) JOIN pg_roles ON pg_roles.oid = grantee
        WHERE nspname = 'pgbouncer' AND rolname = role
    )
    UNION ALL
    SELECT 5, format('GRANT CONNECT ON DATABASE postgres TO %I', role)
    FROM declaration
    WHERE enabled AND NOT EXISTS (
        SELECT
        FROM pg_database, aclexplode(datacl) JOIN pg_roles ON pg_roles.oid = grantee
        WHERE datname = 'postgres' AND rolname = role
    )
    UNION ALL
    SELECT 6, 'DROP SCHEMA pgbouncer CASCADE'
    FROM declaration
    WHERE NOT enabled AND EXISTS (SELECT FROM pg_namespace WHERE nspname = 'pgbouncer')
    UNION ALL
    SELECT position, format(words, role)
    FROM
        declaration JOIN pg_roles ON rolname = role,
        (VALUES (7, 'DROP OWNED BY %I'), (8, 'DROP ROLE %I')) AS removal (position, words)
    WHERE NOT enabled
)
SELECT text
FROM statement
ORDER BY position, text;
