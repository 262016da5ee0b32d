SELECT json_build_object(
         'version', current_setting('server_version'),
         'version_num', current_setting('server_version_num')::integer,
         'checksums', current_setting('data_checksums'),
         'data_directory', current_setting('data_directory'),
         'recovery', pg_is_in_recovery(),
         'started', extract(epoch FROM pg_postmaster_start_time()),
         'connections', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
         'max_connections', current_setting('max_connections')::integer,
         'replicas', (SELECT count(*) FROM pg_stat_replication),
         'slots', (SELECT coalesce(json_agg(slot_name), '[]') FROM pg_replication_slots WHERE NOT active),
         'size', (SELECT sum(pg_database_size(oid)) FROM pg_database),
         'databases', (SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database)
       );
