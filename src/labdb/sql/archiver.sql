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
         'timeout', (SELECT setting::integer FROM pg_settings WHERE name = 'archive_timeout')
       )
FROM pg_stat_archiver;
