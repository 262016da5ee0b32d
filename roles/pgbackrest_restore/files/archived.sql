-- Whether the archive has the segment, or a later one.
SELECT last_archived_wal >= :'segment' COLLATE "C" FROM pg_stat_archiver;
