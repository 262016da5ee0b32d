-- Databases that hold data of their own; a template is what they are made from.
SELECT json_agg(datname ORDER BY datname)
FROM pg_database
WHERE datallowconn AND NOT datistemplate;
