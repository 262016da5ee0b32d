-- What would go, or would stop working, with a table: views on it, foreign keys to it, functions
-- that name it, tables that inherit from it.
SELECT DISTINCT told
FROM (
  SELECT CASE relkind WHEN 'm' THEN 'materialised view ' ELSE 'view ' END || ev_class::regclass AS told
  FROM pg_depend
  JOIN pg_rewrite ON pg_rewrite.oid = objid
  JOIN pg_class ON pg_class.oid = ev_class
  WHERE classid = 'pg_rewrite'::regclass
    AND refclassid = 'pg_class'::regclass
    AND refobjid = to_regclass(%(table)s)
    AND ev_class <> refobjid
  UNION ALL
  SELECT format('foreign key %%I of %%s', conname, conrelid::regclass)
  FROM pg_constraint
  WHERE contype = 'f' AND confrelid = to_regclass(%(table)s) AND conrelid <> confrelid
  UNION ALL
  SELECT 'function ' || objid::regprocedure
  FROM pg_depend
  WHERE classid = 'pg_proc'::regclass
    AND deptype = 'n'
    AND (refclassid, refobjid) IN (
      SELECT 'pg_class'::regclass::oid, oid FROM pg_class WHERE oid = to_regclass(%(table)s)
      UNION ALL SELECT 'pg_type'::regclass::oid, reltype FROM pg_class WHERE oid = to_regclass(%(table)s)
    )
  UNION ALL
  SELECT 'table ' || attrelid::regclass || ', column ' || attname
  FROM pg_attribute
  JOIN pg_class ON pg_class.oid = to_regclass(%(table)s)
  WHERE atttypid = reltype AND NOT attisdropped
  UNION ALL
  SELECT 'table ' || inhrelid::regclass || ' inherits from it'
  FROM pg_inherits
  WHERE inhparent = to_regclass(%(table)s)
) AS found
ORDER BY told
