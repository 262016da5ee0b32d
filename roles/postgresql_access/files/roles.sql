-- Group roles, login roles, their memberships and settings, and the template database.
WITH declaration AS (
    SELECT current_setting('labdb.declaration')::jsonb AS wanted
),
kind (name, attributes, memberships) AS (
    VALUES
        ('admin', 'CREATEDB CREATEROLE',
            '{labdb_writer,pg_monitor,pg_signal_backend,pg_read_all_data,pg_write_all_data}'::name[]),
        ('owner', 'NOCREATEDB NOCREATEROLE', '{labdb_writer}'),
        ('loader', 'NOCREATEDB NOCREATEROLE', '{labdb_writer}'),
        ('analyst', 'NOCREATEDB NOCREATEROLE', '{labdb_reader}'),
        ('application', 'NOCREATEDB NOCREATEROLE', '{labdb_writer}'),
        ('monitoring', 'NOCREATEDB NOCREATEROLE', '{pg_monitor}'),
        ('backup', 'NOCREATEDB NOCREATEROLE', '{labdb_reader,pg_read_all_data}')
),
-- Nobody logs in as a group; those of a project are members of each other.
principal AS (
    SELECT
        item ->> 'name' AS name,
        'NOCREATEDB NOCREATEROLE NOLOGIN NOSUPERUSER NOREPLICATION NOBYPASSRLS INHERIT CONNECTION LIMIT -1'
        AS attributes,
        ARRAY(SELECT jsonb_array_elements_text(item -> 'member_of'))::name[] AS memberships,
        '{}'::jsonb AS settings,
        true AS is_group
    FROM
        declaration,
        jsonb_array_elements(
            '[{"name": "labdb_reader"}, {"name": "labdb_writer"}]' || coalesce(wanted -> 'groups', '[]')
        ) AS item
    UNION ALL
    SELECT
        item ->> 'name',
        kind.attributes || format(
            ' LOGIN NOSUPERUSER NOREPLICATION NOBYPASSRLS INHERIT CONNECTION LIMIT %s',
            coalesce((item ->> 'connection_limit')::int, -1)
        ),
        coalesce(
            nullif(ARRAY(SELECT jsonb_array_elements_text(item -> 'groups'))::name[], '{}'),
            kind.memberships
        ),
        item -> 'settings',
        false
    FROM declaration, jsonb_array_elements(wanted -> 'roles') AS item
    JOIN kind ON kind.name = item ->> 'kind'
),
known_group AS (
    SELECT unnest(memberships) AS name FROM kind
    UNION SELECT name FROM principal WHERE is_group
),
-- The catalogue's attributes in the same words, so that the two can be compared.
present AS (
    SELECT
        oid,
        rolname,
        format(
            '%s %s %s %s %s %s %s CONNECTION LIMIT %s',
            CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
            CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
            CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
            CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
            CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
            CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
            CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
            rolconnlimit
        ) AS attributes
    FROM pg_roles
),
membership AS (
    SELECT groups.rolname AS granted, members.rolname AS member
    FROM pg_auth_members
    JOIN pg_roles AS groups ON groups.oid = roleid
    JOIN pg_roles AS members ON members.oid = pg_auth_members.member
),
setting AS (
    SELECT
        present.rolname AS role,
        split_part(text, '=', 1) AS name,
        substr(text, strpos(text, '=') + 1) AS value
    FROM pg_db_role_setting, unnest(setconfig) AS text, present
    WHERE setdatabase = 0 AND present.oid = setrole
),
statement (position, text) AS (
    SELECT 1, format('CREATE ROLE %I %s', name, attributes)
    FROM principal
    WHERE name NOT IN (SELECT rolname FROM pg_roles)
    UNION ALL
    SELECT 2, format('ALTER ROLE %I %s', name, principal.attributes)
    FROM principal JOIN present ON rolname = name
    WHERE present.attributes <> principal.attributes
    UNION ALL
    -- Only the groups that labdb knows are taken away.
    SELECT 3, format('REVOKE %I FROM %I', granted, name)
    FROM principal JOIN membership ON member = name
    WHERE granted <> ALL (memberships) AND granted IN (SELECT known_group.name FROM known_group)
    UNION ALL
    SELECT 4, format('GRANT %I TO %I', granted, name)
    FROM principal, unnest(memberships) AS granted
    WHERE (granted, name) NOT IN (SELECT membership.granted, member FROM membership)
    UNION ALL
    SELECT 5, format('ALTER ROLE %I SET %I = %L', principal.name, key, value)
    FROM principal, jsonb_each_text(settings)
    WHERE (principal.name, key, value) NOT IN (SELECT setting.role, setting.name, setting.value FROM setting)
    UNION ALL
    SELECT 5, format('ALTER ROLE %I RESET %I', role, setting.name)
    FROM principal JOIN setting ON role = principal.name
    WHERE NOT is_group AND NOT settings ? setting.name
    UNION ALL
    -- Superusers alone get into the template: a session in it would forbid cloning.
    SELECT 6, format(
        'CREATE DATABASE %I TEMPLATE template0 OWNER %I IS_TEMPLATE true CONNECTION LIMIT 0',
        wanted ->> 'template', wanted ->> 'template_owner'
    )
    FROM declaration
    WHERE wanted ->> 'template' NOT IN (SELECT datname FROM pg_database)
    UNION ALL
    SELECT 6, format('ALTER DATABASE %I IS_TEMPLATE true CONNECTION LIMIT 0', datname)
    FROM declaration JOIN pg_database ON datname = wanted ->> 'template'
    WHERE NOT datistemplate OR datconnlimit <> 0
)
SELECT text
FROM statement
ORDER BY position, text;
