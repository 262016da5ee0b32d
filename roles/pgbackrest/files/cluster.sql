-- Which cluster this is, and the databases that somebody made in it.
SELECT json_build_object(
         'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
         'databases', (SELECT coalesce(json_agg(datname ORDER BY datname), '[]')
                       FROM pg_database
                       WHERE datname NOT IN ('postgres', 'template0', 'template1'))
       )
