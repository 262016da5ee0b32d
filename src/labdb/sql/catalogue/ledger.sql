-- The ledger of loads: one line for each file of each table, made before its first row is read.
-- A line without finished_at is a file that is still to be loaded.
CREATE TABLE {schema}.load_ledger (
  table_name text NOT NULL,
  source_id integer NOT NULL,
  file_name text NOT NULL,
  model text NOT NULL,
  model_version text NOT NULL,
  model_table text NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now(),
  sha256 text,
  size_bytes bigint,
  hdus text[],
  rows_read bigint,
  rows_loaded bigint,
  rows_rejected bigint,
  rejected jsonb,
  nulls jsonb,
  column_map jsonb,
  code_version text,
  seconds double precision,
  finished_at timestamptz,
  PRIMARY KEY (table_name, source_id),
  UNIQUE (table_name, file_name)
);

COMMENT ON TABLE {schema}.load_ledger IS
  'Which file was loaded into which table: its SHA-256, its rows, and what became NULL or was left out.';
