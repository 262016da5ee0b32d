-- Databases cloned from the template, their owners, limits and settings, and who may connect.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
wanted_database AS (
    SELECT
        item ->> 'name' AS name,
        item ->> 'owner' AS owner,
        coalesce((item ->> 'connection_limit')::int, -1) AS connection_limit,
        wanted ->> 'template' AS template,
        coalesce(item ->> 'reader', 'labdb_reader') AS reader,
        coalesce(item ->> 'writer', 'labdb_writer') AS writer,
        item ? 'reader' AS is_apart
    FROM declaration, jsonb_array_elements(wanted -> 'databases') AS item
),
-- Groups and people of databases that are kept apart.
theirs (role) AS (
    SELECT item ->> 'name'
    FROM declaration, jsonb_array_elements(coalesce(wanted -> 'groups', '[]')) AS item
    UNION
    SELECT item ->> 'name'
    FROM declaration, jsonb_array_elements(wanted -> 'roles') AS item
    WHERE jsonb_array_length(coalesce(item -> 'groups', '[]')) > 0
),
-- As the catalogue spells them, and as ALTER DATABASE takes them: a path is a list of names.
wanted_setting AS (
    SELECT item ->> 'name' AS database, parameter.name, parameter.value, quote_literal(parameter.value) AS written
    FROM
        declaration,
        jsonb_array_elements(wanted -> 'databases') AS item,
        jsonb_each_text(item -> 'settings') AS parameter (name, value)
    UNION ALL
    SELECT item ->> 'name', 'search_path', path, path
    FROM declaration, jsonb_array_elements(wanted -> 'databases') AS item, LATERAL (
        SELECT string_agg(quote_ident(schema), ', ' ORDER BY position) AS path
        FROM jsonb_array_elements_text(item -> 'search_path') WITH ORDINALITY AS listed (schema, position)
    ) AS joined
    WHERE path IS NOT NULL
),
setting AS (
    SELECT
        datname AS database,
        split_part(text, '=', 1) AS name,
        substr(text, strpos(text, '=') + 1) AS value
    FROM pg_db_role_setting
    CROSS JOIN unnest(setconfig) AS text
    JOIN pg_database ON pg_database.oid = setdatabase
    WHERE setrole = 0
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
        LATERAL (VALUES (reader), (writer)) AS groups (role)
    UNION ALL
    SELECT name, 'CREATE', writer
    FROM wanted_database
    WHERE is_apart
    UNION ALL
    SELECT name, 'CONNECT', item ->> 'name'
    FROM wanted_database, declaration, jsonb_array_elements(wanted -> 'roles') AS item
    WHERE is_apart AND item ->> 'kind' IN ('admin', 'backup')
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
    SELECT 3, format('ALTER DATABASE %I CONNECTION LIMIT %s', name, connection_limit)
    FROM wanted_database LEFT JOIN pg_database ON datname = name
    WHERE coalesce(datconnlimit, -1) <> connection_limit AND coalesce(datconnlimit, -1) >= -1
    UNION ALL
    SELECT 3, format('ALTER DATABASE %I SET %I = %s', database, name, written)
    FROM wanted_setting
    WHERE (database, name, value) NOT IN (TABLE setting)
    UNION ALL
    -- What the declaration has a place for and does not say goes back to what the server has;
    -- anything else that somebody set is left alone.
    SELECT 3, format('ALTER DATABASE %I RESET %I', setting.database, setting.name)
    FROM setting JOIN wanted_database ON wanted_database.name = setting.database
    WHERE
        setting.name IN ('search_path', 'default_transaction_read_only', 'statement_timeout', 'temp_file_limit')
        AND NOT EXISTS (
            SELECT
            FROM wanted_setting AS kept
            WHERE kept.database = setting.database AND kept.name = setting.name
        )
    UNION ALL
    SELECT 4, format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name)
    FROM closed
    WHERE
        name IN (SELECT datname FROM everybody)
        OR name NOT IN (SELECT datname FROM pg_database)
    UNION ALL
    SELECT 4, format('REVOKE %s ON DATABASE %I FROM %I', privilege_type, datname, rolname)
    FROM granted JOIN wanted_database ON name = datname
    WHERE
        rolname <> owner
        AND (is_apart OR rolname IN (TABLE theirs))
        AND (datname, rolname, privilege_type) NOT IN (SELECT database, role, privilege FROM opening)
    UNION ALL
    SELECT 5, format('GRANT %s ON DATABASE %I TO %I', privilege, database, role)
    FROM opening
    WHERE (database, role, privilege) NOT IN (SELECT datname, rolname, privilege_type FROM granted)
)
SELECT text
FROM statement
ORDER BY position, text;
