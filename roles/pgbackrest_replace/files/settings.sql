-- Settings that a restore wrote into postgresql.auto.conf, each taken out of it.
SELECT format('ALTER SYSTEM RESET %I', name)
FROM pg_file_settings
WHERE sourcefile LIKE '%/postgresql.auto.conf'
  AND (name = 'restore_command' OR starts_with(name, 'recovery_target'))
GROUP BY name
ORDER BY name
\gexec
SELECT pg_reload_conf()
