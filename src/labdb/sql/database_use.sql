-- What each database takes: bytes, and sessions of clients.
SELECT coalesce(
         json_object_agg(
           datname,
           json_build_object(
             'size', pg_database_size(pg_database.oid),
             'connections', (
               SELECT count(*)
               FROM pg_stat_activity
               WHERE datid = pg_database.oid AND backend_type = 'client backend'
             ),
             'connection_limit', datconnlimit
           )
         ),
         '{}'
       )
FROM pg_database
WHERE datallowconn;
