-- oldest_waiting: the first segment that is still to be archived.
-- waiting: a whole segment was filled after the one that was archived last. What was
-- archived last may also be a backup's label or a timeline's history.
SELECT json_build_object(
         'archived', last_archived_wal,
         'archived_at', extract(epoch FROM last_archived_time),
         'failed', last_failed_wal,
         'failed_at', extract(epoch FROM last_failed_time),
         'waiting', CASE
                      WHEN last_archived_wal ~ '^[0-9A-F]{24}' THEN
                        (pg_split_walfile_name(pg_walfile_name(pg_current_wal_insert_lsn()))).segment_number
                        > (pg_split_walfile_name(left(last_archived_wal, 24))).segment_number + 1
                      ELSE true
                    END,
         'oldest_waiting', (
           SELECT min(left(name, 24))
           FROM pg_ls_archive_statusdir()
           WHERE name ~ '^[0-9A-F]{24}\.ready$'
         ),
         'timeout', (SELECT setting::integer FROM pg_settings WHERE name = 'archive_timeout')
       )
FROM pg_stat_archiver;
