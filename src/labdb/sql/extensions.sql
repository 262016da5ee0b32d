-- The extensions of this database, with their versions.
SELECT json_object_agg(extname, extversion ORDER BY extname) FROM pg_extension;
