-- What an archive cannot bring back; a catalogue as the loader makes it has none of it.
SELECT told
FROM (
  SELECT 'it is a partition of ' || inhparent::regclass AS told
  FROM pg_inherits
  WHERE inhrelid = to_regclass(%(table)s)
  UNION ALL
  SELECT format('column %%I has a default, or is generated', attname)
  FROM pg_attribute
  WHERE attrelid = to_regclass(%(table)s)
    AND attnum > 0
    AND NOT attisdropped
    AND (atthasdef OR attidentity <> '')
  UNION ALL
  SELECT format('column %%I has a collation of its own', attname)
  FROM pg_attribute
  JOIN pg_type ON pg_type.oid = atttypid
  WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped AND attcollation <> typcollation
  UNION ALL
  SELECT format('column %%I has grants of its own', attname)
  FROM pg_attribute
  WHERE attrelid = to_regclass(%(table)s) AND attacl IS NOT NULL AND NOT attisdropped
  UNION ALL
  SELECT format('it has the trigger %%I', tgname)
  FROM pg_trigger
  WHERE tgrelid = to_regclass(%(table)s) AND NOT tgisinternal
  UNION ALL
  SELECT format('it has the policy %%I', polname)
  FROM pg_policy
  WHERE polrelid = to_regclass(%(table)s)
  UNION ALL
  SELECT 'row-level security is on'
  FROM pg_class
  WHERE oid = to_regclass(%(table)s) AND (relrowsecurity OR relforcerowsecurity)
  UNION ALL
  SELECT format('it has the rule %%I', rulename)
  FROM pg_rewrite
  WHERE ev_class = to_regclass(%(table)s)
  UNION ALL
  SELECT 'it is no ordinary table (kind ' || relkind::text || ', persistence ' || relpersistence::text || ')'
  FROM pg_class
  WHERE oid = to_regclass(%(table)s) AND (relkind <> 'r' OR relpersistence <> 'p')
  UNION ALL
  SELECT 'publication ' || pubname || ' sends it to other servers'
  FROM pg_publication_rel
  JOIN pg_publication ON pg_publication.oid = prpubid
  WHERE prrelid = to_regclass(%(table)s)
) AS found
ORDER BY told
