-- What recovery has reached; no row while it goes on.
SELECT json_build_object(
         'lsn', pg_last_wal_replay_lsn(),
         'segment', pg_walfile_name(pg_last_wal_replay_lsn()),
         'time', extract(epoch FROM pg_last_xact_replay_timestamp()),
         'timeline', left(pg_walfile_name(pg_current_wal_lsn()), 8),
         'system_identifier', (SELECT system_identifier::text FROM pg_control_system())
       )
WHERE NOT pg_is_in_recovery()
