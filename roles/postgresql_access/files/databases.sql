-- Databases cloned from the template, their owners, and who may connect to them.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
wanted_database AS (
    SELECT item ->> 'name' AS name, item ->> 'owner' AS owner, wanted ->> 'template' AS template
    FROM declaration, jsonb_array_elements(wanted -> 'databases') AS item
),
everybody AS (
    SELECT datname, privilege_type
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    WHERE grantee = 0
),
granted AS (
    SELECT datname, rolname, privilege_type
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    JOIN pg_roles ON pg_roles.oid = grantee
),
-- Nobody comes in because a database exists; template0 lets nobody in anyway.
closed (name) AS (
    SELECT name FROM wanted_database
    UNION SELECT wanted ->> 'template' FROM declaration
    UNION VALUES ('postgres'), ('template1')
),
opening (database, privilege, role) AS (
    SELECT name, privilege, role
    FROM
        wanted_database,
        (VALUES ('CONNECT'), ('TEMPORARY')) AS wanted (privilege),
        (VALUES ('labdb_reader'), ('labdb_writer')) AS groups (role)
    UNION ALL
    SELECT 'postgres', 'CONNECT', 'pg_monitor'
),
statement (position, text) AS (
    SELECT 1, format('CREATE DATABASE %I TEMPLATE %I OWNER %I', name, template, owner)
    FROM wanted_database
    WHERE name NOT IN (SELECT datname FROM pg_database)
    UNION ALL
    SELECT 2, format('ALTER DATABASE %I OWNER TO %I', name, owner)
    FROM wanted_database JOIN pg_database ON datname = name
    WHERE datdba <> (SELECT oid FROM pg_roles WHERE rolname = owner)
    UNION ALL
    -- Below -1 is a database that an interrupted DROP left behind.
    SELECT 2, format('ALTER DATABASE %I CONNECTION LIMIT -1', name)
    FROM wanted_database JOIN pg_database ON datname = name
    WHERE datconnlimit > -1
    UNION ALL
    SELECT 3, format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name)
    FROM closed
    WHERE
        name IN (SELECT datname FROM everybody)
        OR name NOT IN (SELECT datname FROM pg_database)
    UNION ALL
    SELECT 4, format('GRANT %s ON DATABASE %I TO %I', privilege, database, role)
    FROM opening
    WHERE (database, role, privilege) NOT IN (SELECT datname, rolname, privilege_type FROM granted)
)
SELECT text
FROM statement
ORDER BY position, text;
