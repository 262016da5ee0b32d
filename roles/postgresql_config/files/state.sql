-- How the running server stands to its files, as one JSON object.
SELECT json_build_object(
    'included', :'included'::boolean,
    'port', current_setting('port')::integer,
    'loaded', extract(epoch FROM pg_conf_load_time()),
    'stale', EXISTS (
        SELECT
        FROM (
            SELECT sourcefile AS path FROM pg_file_settings
            UNION SELECT current_setting('data_directory') || '/postgresql.auto.conf'
            UNION SELECT current_setting('hba_file')
            UNION SELECT current_setting('ident_file')
        ) AS file
        WHERE (pg_stat_file(path, true)).modification > pg_conf_load_time()
    ),
    'refused', (
        SELECT coalesce(json_agg(problem), '[]')
        FROM (
            SELECT format('pg_hba.conf line %s: %s', line_number, error)
            FROM pg_hba_file_rules
            WHERE error IS NOT NULL
            UNION ALL
            SELECT format('pg_ident.conf line %s: %s', line_number, error)
            FROM pg_ident_file_mappings
            WHERE error IS NOT NULL
        ) AS found (problem)
    ),
    'pending', (
        SELECT coalesce(json_agg(name ORDER BY name), '[]')
        FROM pg_settings
        WHERE pending_restart
    ),
    'by_hand', (
        SELECT coalesce(json_agg(DISTINCT name), '[]')
        FROM pg_file_settings
        WHERE sourcefile LIKE '%/postgresql.auto.conf'
    ),
    'settings', (
        SELECT coalesce(json_agg(DISTINCT sourcefile || ' ' || lower(name)), '[]')
        FROM pg_file_settings
        WHERE name IS NOT NULL
    )
);
