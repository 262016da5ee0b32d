-- Roles, databases, and what is set for one, for the other, or for one in the other.
SELECT json_build_object(
         'roles', (
           SELECT json_agg(
                    json_build_object(
                      'name', rolname,
                      'connection_limit', rolconnlimit,
                      'attributes', json_build_object(
                        'LOGIN', rolcanlogin,
                        'SUPERUSER', rolsuper,
                        'CREATEDB', rolcreatedb,
                        'CREATEROLE', rolcreaterole,
                        'REPLICATION', rolreplication,
                        'BYPASSRLS', rolbypassrls,
                        'INHERIT', rolinherit
                      )
                    )
                    ORDER BY rolname
                  )
           FROM pg_roles
           WHERE rolname !~ '^pg_'
         ),
         'databases', (
           SELECT json_agg(
                    json_build_object(
                      'name', datname,
                      'owner', pg_get_userbyid(datdba),
                      'connection_limit', datconnlimit
                    )
                    ORDER BY datname
                  )
           FROM pg_database
         ),
         'settings', (
           SELECT coalesce(
                    json_agg(
                      json_build_object(
                        'role', rolname,
                        'database', datname,
                        'name', split_part(text, '=', 1),
                        'value', substr(text, strpos(text, '=') + 1)
                      )
                      ORDER BY rolname, datname, text
                    ),
                    '[]'
                  )
           FROM pg_db_role_setting
           CROSS JOIN unnest(setconfig) AS text
           LEFT JOIN pg_roles ON pg_roles.oid = setrole
           LEFT JOIN pg_database ON pg_database.oid = setdatabase
         )
       );
