-- What was taken out of partitioned tables: rows that belong there are refused, not loaded anew.
CREATE TABLE IF NOT EXISTS {schema}.partition_ledger (
  table_name text NOT NULL,
  partition_name text NOT NULL,
  low bigint NOT NULL,
  high bigint NOT NULL,
  detached_at timestamptz NOT NULL DEFAULT now(),
  dropped_at timestamptz,
  archive text,
  rows_of_files jsonb NOT NULL DEFAULT jsonb_build_object(),
  PRIMARY KEY (table_name, partition_name)
);

COMMENT ON TABLE {schema}.partition_ledger IS
  'Partitions that were detached, the range of each, and when it was dropped and what archive it had.';

COMMENT ON COLUMN {schema}.partition_ledger.rows_of_files IS
  'Rows that the partition had of each file when it was detached, by source_id of load_ledger.';
