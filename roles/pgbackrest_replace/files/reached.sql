-- What recovery has reached; no row while it goes on. Where the newest timeline began is where it
-- ended: the history of timelines tells it after a restart too.
SELECT json_build_object(
         'lsn', reached.lsn,
         'segment', pg_walfile_name(reached.lsn),
         'time', extract(epoch FROM pg_last_xact_replay_timestamp()),
         'timeline', reached.timeline,
         'system_identifier', (SELECT system_identifier::text FROM pg_control_system())
       )
FROM (
  SELECT timeline,
         -- The newest line is the last one: timeline, LSN and reason.
         substring(pg_read_file('pg_wal/' || timeline || '.history', true)
                   FROM '\t(\S+)\t[^\n]*\n*$')::pg_lsn AS lsn
  FROM (SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline
        WHERE NOT pg_is_in_recovery()) AS now
) AS reached
