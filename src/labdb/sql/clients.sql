-- pg_hba.conf as the server reads it now; addresses as one word.
SELECT coalesce(
         json_agg(
           json_build_object(
             'line', line_number,
             'type', coalesce(type, ''),
             'database', coalesce(array_to_string(database, ','), ''),
             'user', coalesce(array_to_string(user_name, ','), ''),
             'address', CASE
                          WHEN netmask IS NULL THEN coalesce(address, '')
                          ELSE address || '/' || netmask
                        END,
             'method', coalesce(array_to_string(auth_method || coalesce(options, '{}'), ' '), ''),
             'error', error
           )
           ORDER BY line_number
         ),
         '[]'
       )
FROM pg_hba_file_rules;
