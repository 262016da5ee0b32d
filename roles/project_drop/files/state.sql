-- Whether the database is there, and who is connected to it.
SELECT json_build_object(
    'exists', EXISTS (SELECT FROM pg_database WHERE datname = :'database'),
    'sessions', (
        SELECT coalesce(json_agg(format('%s from %s', usename, coalesce(client_addr::text, 'this host'))), '[]')
        FROM pg_stat_activity
        WHERE datname = :'database' AND backend_type = 'client backend'
    )
);
