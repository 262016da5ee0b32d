-- TAP_SCHEMA: IVOA Table Access Protocol 1.1, section 4. It describes itself too: its own lines
-- are made of these columns, comments and keys.
CREATE SCHEMA tap_schema;
COMMENT ON SCHEMA tap_schema IS 'The tables that can be asked here, as the IVOA''s TAP describes them.';

CREATE TABLE tap_schema.schemas (
  schema_name text PRIMARY KEY,
  utype text,
  description text,
  schema_index integer
);
CREATE TABLE tap_schema.tables (
  schema_name text NOT NULL REFERENCES tap_schema.schemas,
  table_name text PRIMARY KEY,
  table_type text NOT NULL,
  utype text,
  description text,
  table_index integer
);
CREATE TABLE tap_schema.columns (
  table_name text NOT NULL REFERENCES tap_schema.tables,
  column_name text NOT NULL,
  datatype text NOT NULL,
  arraysize text,
  xtype text,
  size integer,
  description text,
  utype text,
  unit text,
  ucd text,
  indexed integer NOT NULL,
  principal integer NOT NULL,
  std integer NOT NULL,
  column_index integer,
  PRIMARY KEY (table_name, column_name)
);
CREATE TABLE tap_schema.keys (
  key_id text PRIMARY KEY,
  from_table text NOT NULL REFERENCES tap_schema.tables,
  target_table text NOT NULL REFERENCES tap_schema.tables,
  description text,
  utype text
);
CREATE TABLE tap_schema.key_columns (
  key_id text NOT NULL REFERENCES tap_schema.keys,
  from_column text NOT NULL,
  target_column text NOT NULL,
  PRIMARY KEY (key_id, from_column, target_column)
);

COMMENT ON TABLE tap_schema.schemas IS 'Schemas that have tables.';
COMMENT ON COLUMN tap_schema.schemas.schema_name IS 'Name of the schema.';
COMMENT ON COLUMN tap_schema.schemas.utype IS 'Its place in a data model of the IVOA.';
COMMENT ON COLUMN tap_schema.schemas.description IS 'What the schema holds.';
COMMENT ON COLUMN tap_schema.schemas.schema_index IS 'Place in a list of schemas.';
COMMENT ON TABLE tap_schema.tables IS 'Tables that can be asked.';
COMMENT ON COLUMN tap_schema.tables.schema_name IS 'Schema of the table.';
COMMENT ON COLUMN tap_schema.tables.table_name IS 'Name of the table, as a query has it.';
COMMENT ON COLUMN tap_schema.tables.table_type IS 'table or view.';
COMMENT ON COLUMN tap_schema.tables.utype IS 'Its place in a data model of the IVOA.';
COMMENT ON COLUMN tap_schema.tables.description IS 'What a row of the table is.';
COMMENT ON COLUMN tap_schema.tables.table_index IS 'Place in a list of tables.';
COMMENT ON TABLE tap_schema.columns IS 'Columns of the tables.';
COMMENT ON COLUMN tap_schema.columns.table_name IS 'Table of the column.';
COMMENT ON COLUMN tap_schema.columns.column_name IS 'Name of the column, as a query has it.';
COMMENT ON COLUMN tap_schema.columns.datatype IS 'Type, in the words of VOTable.';
COMMENT ON COLUMN tap_schema.columns.arraysize IS 'Length of arrays and texts, in the words of VOTable.';
COMMENT ON COLUMN tap_schema.columns.xtype IS 'What a text stands for: timestamp.';
COMMENT ON COLUMN tap_schema.columns.size IS 'Not used any more: see arraysize.';
COMMENT ON COLUMN tap_schema.columns.description IS 'What the values are.';
COMMENT ON COLUMN tap_schema.columns.utype IS 'Place in a data model of the IVOA.';
COMMENT ON COLUMN tap_schema.columns.unit IS 'Unit of the values, in the words of VOUnits.';
COMMENT ON COLUMN tap_schema.columns.ucd IS 'Unified content descriptor: what kind of quantity it is.';
COMMENT ON COLUMN tap_schema.columns.indexed IS '1 where an index begins with the column.';
COMMENT ON COLUMN tap_schema.columns.principal IS '1 for a column that belongs to a short list of them.';
COMMENT ON COLUMN tap_schema.columns.std IS '1 for a column that a standard defines.';
COMMENT ON COLUMN tap_schema.columns.column_index IS 'Place in a list of the columns.';
COMMENT ON TABLE tap_schema.keys IS 'Foreign keys between tables.';
COMMENT ON COLUMN tap_schema.keys.key_id IS 'Name of the key.';
COMMENT ON COLUMN tap_schema.keys.from_table IS 'Table that refers.';
COMMENT ON COLUMN tap_schema.keys.target_table IS 'Table that is referred to.';
COMMENT ON COLUMN tap_schema.keys.description IS 'What the key means.';
COMMENT ON COLUMN tap_schema.keys.utype IS 'Its place in a data model of the IVOA.';
COMMENT ON TABLE tap_schema.key_columns IS 'Columns of the foreign keys.';
COMMENT ON COLUMN tap_schema.key_columns.key_id IS 'Key that the columns belong to.';
COMMENT ON COLUMN tap_schema.key_columns.from_column IS 'Column of the table that refers.';
COMMENT ON COLUMN tap_schema.key_columns.target_column IS 'Column of the table that is referred to.';

GRANT USAGE ON SCHEMA tap_schema TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA tap_schema TO PUBLIC;
