-- The kinds of roles that labdb gives settings to; contenders without such settings use the same.
CREATE ROLE analyst LOGIN;
CREATE ROLE loader LOGIN;
CREATE ROLE application LOGIN;
GRANT USAGE ON SCHEMA raw_catalogs, science_analysis TO analyst, loader, application;
GRANT SELECT ON ALL TABLES IN SCHEMA raw_catalogs TO analyst, loader, application;
GRANT CREATE ON DATABASE bench TO loader;
