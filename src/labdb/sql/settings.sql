SELECT json_agg(
         json_build_object(
           'name', name,
           'setting', setting,
           'unit', unit,
           'type', vartype,
           'context', context,
           'source', source,
           'pending_restart', pending_restart,
           'by_hand', sourcefile LIKE '%/postgresql.auto.conf',
           'boot', boot_val,
           'shown', current_setting(name, true)
         )
       )
FROM pg_settings;
