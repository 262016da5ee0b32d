-- The archives of a schema's tables: one line for each time that a table was archived.
CREATE TABLE {schema}.archive_ledger (
  archive_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  table_name text NOT NULL,
  directory text NOT NULL,
  host text NOT NULL,
  manifest_sha256 text NOT NULL,
  rows bigint NOT NULL,
  size_bytes bigint NOT NULL,
  hash text NOT NULL,
  model text,
  model_version text,
  code_version text NOT NULL,
  archived_at timestamptz NOT NULL DEFAULT now(),
  archived_by text NOT NULL DEFAULT session_user,
  restored_at timestamptz,
  restored_by text
);

COMMENT ON TABLE {schema}.archive_ledger IS
  'Which table was archived into which folder, when, and by whom; the SHA-256 is that of manifest.json.';
