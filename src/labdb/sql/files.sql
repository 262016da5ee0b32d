-- What the configuration files say now, whether or not the server has read them yet.
SELECT coalesce(
         json_agg(
           json_build_object(
             'file', coalesce(sourcefile, ''),
             'line', coalesce(sourceline, 0),
             'name', name,
             'value', setting,
             'error', error
           )
           ORDER BY seqno
         ),
         '[]'
       )
FROM pg_file_settings;
