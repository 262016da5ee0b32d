-- Close the segment that is being written; what it holds ends at lsn.
SELECT json_build_object('lsn', lsn, 'segment', pg_walfile_name(lsn)) FROM pg_switch_wal() AS lsn
